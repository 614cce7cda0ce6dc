"""A data set that is published as separate files: where they lie, how they are verified and how they get there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from search.datasets.files.cache import find_cache_root, writing_in
from search.datasets.files.download import Download, Say, download_all
from search.datasets.files.verify import SLACK, UnusableFileError, open_limited, read_content_of, read_good, reading
from spaces.common.errors import UserError


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

    def find_folder(self, root: Path | None = None) -> Path:
        """The folder that holds the files, or will: ROOT/NAME, or another place if only that has any of them."""
        top = find_cache_root(root)
        spellings = [spelling for file in self.files for spelling in file.spellings]
        found = (place for place in self.places if any(os.path.isfile(top / place / name) for name in spellings))
        return top / next(found, self.name)

    def find_missing(self, root: Path | None = None) -> list[str]:
        """The names of the files that are not there."""
        return [file.name for file in self.files if not self.list_paths(file, root)]

    def read_content(self, file: DataFile, path: Path) -> bytes:
        """The verified, decompressed content of ``file`` as it lies at ``path``, gzipped or raw.

        Raises:
            UnusableFileError: unreadable, damaged, or the content of another file.
        """
        limit = max(known.size for known in self.files) + 1  # A gzip bomb goes no further.
        with open_limited(path, limit + SLACK) as raw, reading("a gzip file"):
            content = read_content_of(raw).read(limit)
        digest = hashlib.sha256(content).hexdigest()
        if digest == file.sha256:
            return content
        if twin := next((other.name for other in self.files if other.sha256 == digest), None):
            raise UnusableFileError(f"holds the content of {twin}, not of {file.name}")
        if len(content) < file.size:
            raise UnusableFileError(f"is truncated or not {file.name}: {len(content)} bytes instead of {file.size}")
        if len(content) > file.size:
            raise UnusableFileError(f"is not {file.name}: more than its {file.size} bytes")
        raise UnusableFileError(
            f"is damaged or from another data set: the right size for {file.name}, but not its SHA-256"
        )

    def read_cached(self, file: DataFile, root: Path | None = None) -> bytes:
        """The verified content of ``file``, wherever below ``root`` it lies.

        Raises:
            UserError: missing or unusable, and what to do.
        """
        paths = self.list_paths(file, root)
        if not paths:
            raise UserError(f"{self.find_folder(root)}: {file.name} is missing; run 'invsearch data {self.name}'")
        return read_good(paths, partial(self.read_content, file), self.name, "DIR")

    def check(self, root: Path | None = None) -> Path:
        """Verifies all files in the cache and returns their folder; UserError as of ``read_cached``."""
        for file in self.files:
            self.read_cached(file, root)
        return self.find_folder(root)

    def fetch(
        self,
        root: Path | None = None,
        mirrors: Sequence[str] | None = None,
        say: Say = lambda line: None,
        files: Sequence[DataFile] | None = None,
    ) -> Path:
        """Downloads what is missing, returns the folder; writes nothing where nothing is missing.

        Args:
            root: the data folder, None for the usual one.
            mirrors: URLs to try in order, None for the published ones.
            say: is told of each download in one line.
            files: the files wanted, None for all.

        Raises:
            UserError: no mirror gave a file, or the folder cannot be written.
        """
        folder = self.find_folder(root)

        def install(file: DataFile, body: Path) -> None:
            body.write_bytes(self.read_content(file, body))
            os.replace(body, folder / file.name)

        download_all(
            self.name,
            [
                Download(f"{file.name}.gz", file.size + SLACK, partial(install, file))
                for file in files or self.files
                if not self.list_paths(file, root)
            ],
            folder,
            mirrors or self.mirrors,
            say,
            f"get the files {', '.join(f'{file.name}.gz' for file in self.files)} by hand, from "
            f"{' or '.join(self.mirrors)}, and run 'invsearch data {self.name} --from DIR' on their folder",
        )
        return folder

    def import_from(self, source: Path, root: Path | None = None) -> Path:
        """Copies the files in ``source``, gzipped or raw, into the cache, all of them or none; returns its folder.

        They replace what the cache has; a file that only the cache has stays.

        Raises:
            UserError: ``source`` lacks a file or has an unusable one, or the cache cannot be written.
        """
        every = ", ".join(file.name for file in self.files)
        if not os.path.isdir(source):
            what = "not a folder" if os.path.lexists(source) else "no such folder"
            raise UserError(f"{source}: {what}; give the one that holds {every}")
        found = {file: paths for file in self.files if (paths := self.list_paths(file, source))}
        absent = [file.name for file in self.files if file not in found and not self.list_paths(file, root)]
        if absent or not found:
            raise UserError(f"{source} lacks {', '.join(absent) or every}; put {every} there, raw or as .gz")
        folder = self.find_folder(root)
        with writing_in(folder) as scratch:
            for file, paths in found.items():
                (scratch / file.name).write_bytes(read_good(paths, partial(self.read_content, file)))
            for file in found:
                os.replace(scratch / file.name, folder / file.name)
        return folder
