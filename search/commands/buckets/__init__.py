"""Commands that copy a run between a folder and a bucket."""
