"""A run as a tabular benchmark: its grid and learning curves in files, to be looked up instead of trained."""
