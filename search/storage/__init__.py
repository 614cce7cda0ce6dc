"""A run folder on disk: records, checkpoints, locks, history and their repair. No Ray."""
