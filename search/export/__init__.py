"""A trained network as a folder that others can use: weights, what they are, and how to load them."""

from search.export.folder import chosen_as, export, refuse
from search.export.weights import Weights, weights_of

__all__ = ["Weights", "chosen_as", "export", "refuse", "weights_of"]
