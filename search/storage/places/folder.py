"""A folder as a place: for copies from and to a bucket, and for what is the same of both."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from search.storage.file_lock import Lock
from search.storage.places.base import Conflict, Entry, Version
from spaces.files.atomic import write_atomically
from spaces.files.regular import open_regular

LOCK = ".place.lock"
WAIT_SECONDS = 60.0


class FolderPlace:
    """See ``Place``; the version of a file is its SHA-256. Drafts and other hidden files are not listed."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.url = str(folder)

    def describe(self) -> str:
        """Nothing to say."""
        return ""

    def _read(self, name: str) -> bytes:
        with open_regular(self._folder / name, links=False) as stream:
            return stream.read()

    def get(self, name: str) -> tuple[bytes, Version] | None:
        """What a file holds."""
        with suppress(FileNotFoundError):
            content = self._read(name)
            return content, _hash_version(content)
        return None

    def look(self, name: str) -> Entry | None:
        """That a file is there."""
        with suppress(FileNotFoundError):
            status = os.lstat(self._folder / name)
            return Entry(name, _hash_version(self._read(name)), status.st_size, status.st_mtime)
        return None

    def create(self, name: str, content: bytes) -> Version:
        """Writes a new file."""
        return self._write(name, content, None)

    def swap(self, name: str, content: bytes, version: Version) -> Version:
        """Replaces a file."""
        return self._write(name, content, version)

    def _write(self, name: str, content: bytes, version: Version | None) -> Version:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock(self._folder / LOCK)
        if not lock.acquire(WAIT_SECONDS):
            raise TimeoutError(f"{lock.path} is held")
        try:
            there = self.get(name)
            if (None if there is None else there[1]) != version:
                raise Conflict(name)
            write_atomically(path, content)
        finally:
            lock.release()
        return _hash_version(content)

    def list(self, prefix: str = "") -> list[Entry]:
        """The files below a folder."""
        paths = (path for path in (self._folder / prefix).rglob("*") if path.is_file() and not path.is_symlink())
        names = (path.relative_to(self._folder).as_posix() for path in paths)
        shown = sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))
        return [entry for name in shown if (entry := self.look(name)) is not None]

    def delete(self, names: Iterable[str]) -> None:
        """Removes files."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)


def _hash_version(content: bytes) -> Version:
    return Version(hashlib.sha256(content).hexdigest())
