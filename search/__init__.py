"""Searches, reruns and the command line: joins spaces, models, Ray Tune and analysis."""

__version__ = "0.1.0"
