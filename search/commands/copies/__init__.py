"""Commands that copy a run: to and from a bucket, and as one file."""
