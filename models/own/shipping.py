"""From the driver to its workers: what they need to know the user's own architectures, wherever the files lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.own.reference import Reference
from models.own.registry import REGISTERED, register
from models.own.sources import Sources
from spaces.common.errors import UserError


@dataclass(frozen=True)
class Parcel:
    """One architecture on its way.

    Attributes:
        reference: what the user gave.
        sources: its files; None for a plugin, which each node has installed.
    """

    reference: str
    sources: Sources | None


def pack(names: Iterable[str]) -> dict[str, Parcel]:
    """Those of the names that are the user's own, by name."""
    own = [REGISTERED[name] for name in names if name in REGISTERED]
    return {one.name: Parcel(str(one.reference), None if one.is_plugin else one.sources) for one in own}


def unpack(parcels: Mapping[str, Parcel]) -> None:
    """Makes them known in this process.

    Raises:
        UserError: one cannot be imported here, or is another one here.
    """
    for name, parcel in parcels.items():
        if name not in REGISTERED:
            check_same(name, register(Reference.parse(parcel.reference), parcel.sources).name)


def check_same(name: str, here: str) -> None:
    """Whether what was found is what was asked for.

    Raises:
        UserError: it is not.
    """
    if here != name:
        raise UserError(f"architecture {name}: it is {here} here; install the version that the run began with")
