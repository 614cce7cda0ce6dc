"""Layers and networks of the user's own: named, imported apart from everything else, and built for a seed."""

from models.own.plugins import list_plugins
from models.own.reference import Reference, is_reference, split_kept
from models.own.registry import REGISTERED, OwnArchitecture, register
from models.own.shipping import Parcel, check_same, pack, unpack
from models.own.sources import Sources

__all__ = [
    "REGISTERED",
    "OwnArchitecture",
    "Parcel",
    "Reference",
    "Sources",
    "check_same",
    "is_reference",
    "list_plugins",
    "pack",
    "register",
    "split_kept",
    "unpack",
]
