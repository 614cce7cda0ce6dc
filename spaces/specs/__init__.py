"""What a run is told to do and what a trial records, as plain data; ``records`` is the one reader of both files."""
