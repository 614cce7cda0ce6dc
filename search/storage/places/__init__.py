"""Where a run may lie besides a folder: a bucket, its mirror on this machine, and copies between the two."""
