"""Searches that were repeated end to end: what belongs together, and how much of the answer is luck."""
