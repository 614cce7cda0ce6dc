"""The seam: what a run needs of the place that it lies in, with a folder and a bucket behind it."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Version(NamedTuple):
    """Which content of a name is meant; a place compares it and nobody else looks into it."""

    tag: str | None
    generation: str | None = None  # What Google's store compares.


class Entry(NamedTuple):
    """A name that is there, its version, its bytes, and when it was written by the clock of the place, Unix seconds."""

    name: str
    version: Version
    size: int
    modified: float


class Conflict(Exception):
    """The name is there already, or has not the version that was to be replaced; nothing was written."""


class Unreachable(OSError):
    """The place gave no useful answer; the reason is one line, without credentials."""

    def __init__(self, place: str, reason: str):
        super().__init__(errno.EIO, reason, place)


class Place(Protocol):
    """Names such as ``trials/ID/record.json``, each with bytes that are there whole or not at all.

    Raises:
        Unreachable: any call, where the place does not answer for longer than its patience.
    """

    url: str

    def describe(self) -> str:
        """Where the store is, for people, with a blank before it; empty where there is nothing to say."""
        ...

    def get(self, name: str) -> tuple[bytes, Version] | None:
        """What is there under a name; None where nothing is."""
        ...

    def look(self, name: str) -> Entry | None:
        """That a name is there, without its bytes."""
        ...

    def create(self, name: str, content: bytes) -> Version:
        """Writes a new name; of several who try one wins.

        Raises:
            Conflict: it is there already.
        """
        ...

    def swap(self, name: str, content: bytes, version: Version) -> Version:
        """Replaces the version that was read; of several who try one wins.

        Raises:
            Conflict: another version is there, or nothing.
        """
        ...

    def list(self, prefix: str = "") -> list[Entry]:
        """What is there below a folder's name, in the order of the names."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Removes names, those that are not there too."""
        ...
