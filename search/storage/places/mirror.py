"""A run in a bucket as a folder on this machine, which fetches only what has changed.

A mirror is what everything that reads a run folder reads. It has no lease, and of checkpoints only those that were
exported from here. ``.mirror.json`` says which version of each object its files are; where it is lost, all is fetched
again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from search.storage.json_files import read_lines
from search.storage.places.base import Entry, Place, Version
from search.storage.places.layout import (
    CHECKPOINT,
    DECISION,
    DECISIONS_FILE,
    LEASE,
    compute_digest,
    is_mirrored,
    is_passing,
    read_number,
)
from spaces.files.atomic import write_atomically
from spaces.files.regular import open_regular
from spaces.files.sealed import Damaged, seal, unseal

INDEX = ".mirror.json"
AT_ONCE = 16  # Requests: the store is far away, and most objects are small.


class Mirror:
    """A mirror of a run.

    Args:
        place: the bucket.
        folder: the mirror.

    Attributes:
        foreign: names in the bucket that invsearch does not write.
        checkpoints: names of those in the bucket, when it was last looked at.
        damaged: decisions that are not what was written, with their bytes.
        last_decision: the highest number of one.
    """

    def __init__(self, place: Place, folder: Path):
        self.place, self.folder = place, folder
        self.foreign: list[str] = []
        self.checkpoints: list[str] = []
        self.damaged: dict[str, bytes] = {}
        self.last_decision = 0
        self._known: dict[str, tuple[Version, str]] = {}  # Version and digest of what is here, by name.
        with suppress(OSError, ValueError, TypeError, AttributeError), open_regular(folder / INDEX) as stream:
            self._known = {name: (Version(*version), digest) for name, (version, digest) in json.load(stream).items()}

    def find_version(self, name: str) -> Version | None:
        """The version of what is here of an object; None of one that is not."""
        return self._known[name][0] if name in self._known else None

    def refresh(self) -> None:
        """Fetches what has changed, and removes what is gone.

        Raises:
            Unreachable: the bucket does not answer.
            OSError: the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        entries = self.place.list()
        plain = [entry for entry in entries if is_mirrored(entry.name)]
        decisions = [entry for entry in entries if DECISION.fullmatch(entry.name)]
        self.checkpoints = [entry.name for entry in entries if CHECKPOINT.fullmatch(entry.name)]
        there = {entry.name for entry in (*plain, *decisions)}
        ours = {*there, *self.checkpoints, LEASE}
        self.foreign = [entry.name for entry in entries if entry.name not in ours and not is_passing(entry.name)]
        for name in [name for name in self._known if name not in there]:
            self.drop(name)
        try:
            self._fetch_decisions(decisions)
            for name, content, version in fetch_all(self.place, [one.name for one in plain if not self._has(one)]):
                self.keep(name, content, version)
        finally:  # What was fetched before a failure is not fetched again.
            self._save()

    def _has(self, entry: Entry) -> bool:
        return self._is_known(entry) and (self.folder / entry.name).is_file()

    def _is_known(self, entry: Entry) -> bool:
        """Whether what was fetched is still there, by its tag: lists have no generations."""
        version = self.find_version(entry.name)
        return version is not None and version.tag == entry.version.tag

    def _fetch_decisions(self, entries: list[Entry]) -> None:
        """Each says its number, by which they are ordered; marks of drivers have none in a folder."""
        path, self.damaged = self.folder / DECISIONS_FILE, {}
        lines = {line["number"]: line for line in read_lines(path)[0] if type(line.get("number")) is int}
        self.last_decision = max((read_number(entry.name) for entry in entries), default=0)
        known = {read_number(entry.name): entry for entry in entries if self._is_known(entry)}
        before = len(lines)
        lines = {number: line for number, line in lines.items() if number in known}
        changed = len(lines) < before
        marks = {number for number, entry in known.items() if not self._known[entry.name][1]}
        here = {*lines, *marks}
        missing = (entry for entry in entries if read_number(entry.name) not in here)
        for name, content, version in fetch_all(self.place, [one.name for one in missing]):
            try:
                line = unseal(content)
                if line.get("number") != read_number(name):
                    raise Damaged("it is of another number")
            except Damaged:
                self.damaged[name] = content
                continue
            if "trial_id" in line:
                lines[read_number(name)] = line
                changed = True
            self._known[name] = version, compute_digest(content) if "trial_id" in line else ""
        if changed:
            write_atomically(path, b"".join(seal(line) for _, line in sorted(lines.items())))

    def keep_decision(self, name: str, content: bytes, version: Version) -> None:
        """Enters a decision whose line is in the folder."""
        self._known[name] = version, compute_digest(content)
        self.last_decision = read_number(name)

    def keep(self, name: str, content: bytes, version: Version) -> None:
        """Enters what an object holds now."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
        self._known[name] = version, compute_digest(content)

    def drop(self, name: str) -> None:
        """Enters that an object is gone."""
        self._known.pop(name, None)
        if is_mirrored(name):
            (self.folder / name).unlink(missing_ok=True)

    def list_changed(self) -> list[str]:
        """Names of files that are no longer as they were fetched; those that are not there are fetched again."""
        here = {name: digest for name, (_, digest) in self._known.items() if (self.folder / name).is_file()}
        return [name for name in here if compute_digest((self.folder / name).read_bytes()) != here[name]]

    def drop_changed(self) -> None:
        """Removes what is not as it was fetched, so that it is fetched again: the bucket is right.

        A driver that died, or a bad disk, may have left it.
        """
        for name in self._list_here():
            known = self._known.get(name)
            if known is None or compute_digest((self.folder / name).read_bytes()) != known[1]:
                self.drop(name)

    def _list_here(self) -> list[str]:
        here = [path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()]
        return sorted(filter(is_mirrored, (path.relative_to(self.folder).as_posix() for path in here)))

    def _save(self) -> None:
        write_atomically(self.folder / INDEX, json.dumps(self._known).encode())

    def upload(self) -> None:
        """Brings to the bucket what was written, mended or set aside here; each on the version that was here before.

        Raises:
            Conflict: another process has written meanwhile.
            Unreachable: the bucket does not answer.
        """
        names = self._list_here()
        for name in names:
            content = (self.folder / name).read_bytes()
            version, digest = self._known.get(name, (None, None))
            if version is None:
                self._known[name] = self.place.create(name, content), compute_digest(content)
            elif digest != compute_digest(content):
                self._known[name] = self.place.swap(name, content, version), compute_digest(content)
        gone = [name for name in self._known if is_mirrored(name) and name not in names]
        self.place.delete(gone)
        for name in gone:
            del self._known[name]
        self._save()


def fetch_all(place: Place, names: Sequence[str]) -> Iterator[tuple[str, bytes, Version]]:
    """Fetches objects, several at once; yields the name, content and version of those that are there, in order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, found in zip(names, pool.map(place.get, names), strict=True):
            if found is not None:
                yield name, *found
