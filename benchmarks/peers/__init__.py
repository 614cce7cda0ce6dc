"""Other programs that do the work of a sweep, each a process of its own: ``python -m benchmarks.peers.NAME FOLDER``."""
