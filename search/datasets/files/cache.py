"""Where the files of a data set lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from spaces.common.errors import UserError, quote

VARIABLE = "INVSEARCH_DATA"


def find_cache_root(root: Path | None = None) -> Path:
    """The absolute data folder: ``root``, else $INVSEARCH_DATA, else the user's cache folder.

    Raises:
        UserError: it begins with the home folder of an unknown user.
    """
    named = os.environ.get(VARIABLE) or platformdirs.user_cache_dir("invsearch")
    try:
        chosen = root or (Path(named).expanduser() if named.startswith("~") else Path(named))  # ./~x is no home.
    except RuntimeError:
        home = Path(named).parts[0]
        raise UserError(f"{VARIABLE}: {quote(named)}: no home folder {home} is known here; give a full path") from None
    return chosen.absolute()  # Ray workers change directory.


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
        """Paths it goes by in a folder, the one that we write first; Kaggle puts it in a folder of its own name."""
        names = (self.name, self.name.replace("-idx", ".idx"))
        flat = tuple(f"{name}{ending}" for name in names for ending in ("", ".gz"))
        return (*flat, *(f"{folder}/{name}" for folder in names for name in flat))


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

    @property
    def places(self) -> tuple[str, ...]:
        """Folders below a data folder that may hold the files: ours, itself, and torchvision's."""
        return (self.name, "", f"{self.name.upper()}/raw", f"{self.name}/raw", "raw")

    def list_paths(self, file: DataFile, root: Path | None = None) -> list[Path]:
        """Every path below ``root`` at which ``file`` lies, unverified, the likeliest first."""
        top = find_cache_root(root)
        paths = dict.fromkeys(top / place / spelling for place in self.places for spelling in file.spellings)
        return [path for path in paths if os.path.isfile(path)]  # Unlike Path.is_file, False without permission.

    def folder(self, root: Path | None = None) -> Path:
        """The folder that holds the files, or will: ROOT/NAME, or another place if only that has any of them."""
        top = find_cache_root(root)
        spellings = [spelling for file in self.files for spelling in file.spellings]
        found = (place for place in self.places if any(os.path.isfile(top / place / name) for name in spellings))
        return top / next(found, self.name)

    def found(self, root: Path | None = None) -> list[DataFile]:
        """The files that are there, unverified."""
        return [file for file in self.files if self.list_paths(file, root)]

    def find_missing(self, root: Path | None = None) -> list[DataFile]:
        """The files that are not there."""
        return [file for file in self.files if not self.list_paths(file, root)]
