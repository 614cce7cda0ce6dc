"""A trained network as a folder that others can use: weights, what they are, and how to load them."""

from search.export.folder import describe_choice, export
from search.export.place import refuse, write_folder
from search.export.weights import Weights, read_weights

__all__ = ["Weights", "describe_choice", "export", "read_weights", "refuse", "write_folder"]
