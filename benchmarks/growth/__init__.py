"""What a sweep costs beside the training itself, as it grows: the parts of ``benchmarks.orchestration``."""
