"""Reads the records of a run into pandas."""
