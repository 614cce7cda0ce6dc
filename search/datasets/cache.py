"""Where the files of a data set lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

VARIABLE = "INVSEARCH_DATA"


def cache_root(root: Path | None = None) -> Path:
    """The absolute data folder: ``root``, else $INVSEARCH_DATA, else the user's cache folder."""
    chosen = root or os.environ.get(VARIABLE) or platformdirs.user_cache_dir("invsearch")
    return Path(chosen).expanduser().absolute()  # Ray workers change directory.


@dataclass(frozen=True)
class DataFile:
    """One published file.

    Attributes:
        name: its usual name, without ``.gz``.
        sha256: of its decompressed content.
        size: of its decompressed content, in bytes.
    """

    name: str
    sha256: str
    size: int

    @property
    def spellings(self) -> tuple[str, ...]:
        """File names it goes by, the one that we write first."""
        dotted = self.name.replace("-idx", ".idx")
        return (self.name, f"{self.name}.gz", dotted, f"{dotted}.gz")


@dataclass(frozen=True)
class Store:
    """The published files of a data set.

    Attributes:
        name: of the data set and of its folder below the cache root.
        files: all of them.
        mirrors: URLs of folders that hold ``NAME.gz`` for each file, in the order to try.
    """

    name: str
    files: tuple[DataFile, ...]
    mirrors: tuple[str, ...]

    def folder(self, root: Path | None = None) -> Path:
        """The folder that holds the files, or will: ROOT/NAME, or ROOT itself if only that has any of them."""
        top = cache_root(root)
        nested = top / self.name
        return top if not self.found(nested) and self.found(top) else nested

    def find(self, file: DataFile, folder: Path) -> Path | None:
        """The path of ``file`` in ``folder`` under any spelling, or None."""
        paths = (folder / spelling for spelling in file.spellings)
        return next(
            (path for path in paths if os.path.isfile(path)), None
        )  # Unlike Path.is_file, False without permission.

    def found(self, folder: Path) -> list[DataFile]:
        """The files that ``folder`` has, unverified."""
        return [file for file in self.files if self.find(file, folder)]

    def missing(self, folder: Path) -> list[DataFile]:
        """The files that ``folder`` lacks."""
        return [file for file in self.files if not self.find(file, folder)]
