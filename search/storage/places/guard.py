"""How the processes of a driver write to a run in a bucket: to the bucket first, on the version that they have read.

So what is left of a replaced driver changes nothing: whoever takes a trial claims it by writing its record anew, with a
token of its own, and every later write on an older version is refused by the store. The folder, the driver's mirror
or a worker's own, only follows.
"""

from __future__ import annotations

import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from search.errors import Superseded
from search.storage.json_files import replace_not_finite
from search.storage.places.address import open_place
from search.storage.places.base import Conflict, Place, Version
from search.storage.places.layout import (
    CHECKPOINT,
    DECISIONS_FILE,
    LEASE,
    compute_digest,
    is_intact,
    name_checkpoint,
    name_copy,
    name_decision,
)
from search.storage.places.lease import Lease, read_lease
from search.storage.places.mirror import Mirror
from search.storage.places.own_folders import make_own_folder
from search.storage.writer import Writer
from spaces.files.atomic import write_atomically
from spaces.files.sealed import ASIDE, Damaged, read_sealed, seal, unseal
from spaces.specs.records import RECORD


class BucketGuard(Writer):
    """Writes to a run in a bucket.

    What is pickled for the workers is where the run is and whose it is; credentials they find themselves.

    Args:
        place: the bucket.
        token: names the driver.
        lease: the driver's; None in a worker.
        mirror: the driver's; None in a worker, which has a folder of its own.
        run: that folder.

    Attributes:
        place: the bucket.
    """

    def __init__(self, place: Place, token: str, lease: Lease | None, mirror: Mirror | None, run: Path):
        super().__init__(run)
        self.place, self._token, self._lease, self._mirror = place, token, lease, mirror
        self._versions: dict[str, Version] = {}
        self._there: dict[str, list[str]] = {}  # Checkpoints, by trial; listed before the write that makes it ours.
        self._published: dict[str, str] = {}  # The digest of this process's own newest one, by trial.
        self._writer = f"{token}-{secrets.token_hex(4)}"  # In every record, so that no two writers' bytes are the same.

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.place.url, "token": self._token, "patience": getattr(self.place, "patience", None)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        folder = make_own_folder(state["token"])
        self.__init__(open_place(state["url"], state["patience"]), state["token"], None, None, folder)

    def check(self) -> None:
        """In the driver: the lease is still its own. A worker asks once, when it claims a trial."""
        if self._lease is not None:
            self._lease.check()

    def refresh(self) -> None:
        """Brings what workers have written to the mirror."""
        if self._mirror is not None:
            self._mirror.refresh()
            self._versions.clear()

    def upload(self) -> None:
        """Brings what was written in the mirror to the bucket."""
        if self._mirror is not None:
            self.check()
            self._guarded("what the run is of", self._mirror.upload)
            for path in self.run.glob("trials/*/checkpoint-*.safetensors"):
                path.unlink()  # A record was restored from it; a mirror has none.

    def _name(self, path: Path) -> str:
        return path.relative_to(self.run).as_posix()

    def _find_version(self, name: str) -> Version | None:
        return self._versions.get(name) or (self._mirror.find_version(name) if self._mirror is not None else None)

    def _keep(self, name: str, content: bytes, version: Version) -> None:
        """Makes the folder what the bucket is now."""
        if self._mirror is not None:
            self._mirror.keep(name, content, version)
        else:
            (self.run / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.run / name, content)
        self._versions[name] = version

    def _drop(self, name: str) -> None:
        self._versions.pop(name, None)
        if name in (names := self._there.get(name.rpartition("/")[0], [])):
            names.remove(name)
        if self._mirror is not None:
            self._mirror.drop(name)
        (self.run / name).unlink(missing_ok=True)

    def _guarded(self, name: str, write: Callable[[], Any]) -> Any:
        try:
            return write()
        except Conflict:
            raise Superseded(
                f"{self.place.url}: {name} was written by another process since; perhaps another driver has taken the "
                "run over"
            ) from None

    def fetch(self, path: Path) -> None:
        """Brings one record."""
        name = self._name(path)
        found = self.place.get(name)
        if found is None:
            self._drop(name)
        else:
            self._keep(name, *found)

    def write(self, path: Path, content: Mapping[str, Any]) -> None:
        """Replaces a record on the version that was read or written last."""
        name, version = self._name(path), self._find_version(self._name(path))
        named = self._find_named(self._name(path.parent))
        more = {"writer": self._writer} | ({"checkpoint": named} if named else {})
        sealed = seal(replace_not_finite({**content, **more}))
        create, swap = self.place.create, self.place.swap
        put = (lambda: create(name, sealed)) if version is None else (lambda: swap(name, sealed, version))
        self._keep(name, sealed, self._guarded(name, put))

    def create(self, path: Path, content: Mapping[str, Any]) -> None:
        """Writes an outcome."""
        name, sealed = self._name(path), seal(replace_not_finite({**content, "writer": self._writer}))
        trial = self._name(path.parent)
        self._there[trial] = self._list_checkpoints(trial)

        def put() -> tuple[bytes, Version]:
            try:
                return sealed, self.place.create(name, sealed)
            except Conflict:  # A replaced driver that has slept may have been just in time to say the same.
                self.check()
                found = self.place.get(name)
                if self._lease is None or found is None or not _has_same_end(found[0], content):
                    raise
                return found

        self._keep(name, *self._guarded(name, put))

    def append(self, path: Path, line: Mapping[str, Any]) -> None:
        """Adds a decision under the next number, or a line of the history to what is there."""
        name, mirror = self._name(path), self._mirror
        assert mirror is not None, "only drivers keep logs"
        if name != DECISIONS_FILE:
            before = path.read_bytes() if path.exists() else b""
            content = (
                before + (b"\n" if before and not before.endswith(b"\n") else b"") + seal(replace_not_finite(line))
            )
            version = self._find_version(name)
            create, swap = self.place.create, self.place.swap
            put = (lambda: create(name, content)) if version is None else (lambda: swap(name, content, version))
            self._keep(name, content, self._guarded(name, put))
            return
        numbered = {**line, "number": mirror.last_decision + 1, "writer": self._writer}
        key, content = name_decision(numbered["number"]), seal(replace_not_finite(numbered))
        version = self._guarded(key, lambda: self.place.create(key, content))
        super().append(path, numbered)
        mirror.keep_decision(key, content, version)

    def mark(self) -> None:
        """Takes the next number of the decisions from a driver that was replaced, so that it cannot decide any more."""
        assert self._mirror is not None
        while True:
            number = self._mirror.last_decision + 1
            try:
                mark = seal({"number": number, "event": "taken over", "time": time.time(), "writer": self._writer})
                self.place.create(name_decision(number), mark)
            except Conflict:
                self._mirror.refresh()
            else:
                self._mirror.last_decision = number
                return

    def remove(self, path: Path) -> None:
        """Removes a file, and a checkpoint of any content."""
        name = self._name(path)
        names = [key for key in self._versions if _is_of(key, name)] or [name]
        self.place.delete(names)
        for key in names:
            self._drop(key)
        path.unlink(missing_ok=True)

    def claim(self, trial: Path, record: Mapping[str, Any], epoch: int) -> list[str]:
        """Asks for the lease, makes the record this process's, and fetches the newest checkpoint up to an epoch."""
        found = self.place.get(LEASE)
        note = None if found is None else read_lease(found[0])
        if note is None or not note["driving"] or note["token"] != self._token:
            raise Superseded(f"{self.place.url}/{LEASE} names another driver, which has taken the run over")
        name = self._name(trial)
        self._published.pop(name, None)
        self._versions = {key: version for key, version in self._versions.items() if not key.startswith(f"{name}/ch")}
        # What whoever takes the trial after that writes is not in the list, so that it is never removed by its names.
        self._there[name] = self._list_checkpoints(name)
        self.write(trial / RECORD, record)
        return self._fetch_checkpoint(name, epoch) if epoch else []

    def fetch_copy(self, path: Path) -> None:
        """Brings the newest checkpoint of a trial whose record is damaged to the mirror, until ``upload``."""
        if path.name == RECORD:
            trial = self._name(path.parent)
            self._there[trial] = self._list_checkpoints(trial)
            self._fetch_checkpoint(trial, sys.maxsize)
            del self._there[trial]

    def _list_checkpoints(self, trial: str) -> list[str]:
        return [entry.name for entry in self.place.list(trial) if CHECKPOINT.fullmatch(entry.name)]

    def _find_named(self, trial: str) -> str | None:
        """The digest of the checkpoint that a trial's record goes with; of an epoch there may be two."""
        with suppress(Damaged):
            return self._published.get(trial) or (read_sealed(self.run / trial / RECORD) or {}).get("checkpoint")
        return None

    def _fetch_checkpoint(self, trial: str, epoch: int) -> list[str]:
        notes, named = [], self._find_named(trial)
        found = [one for one in map(CHECKPOINT.fullmatch, self._there[trial]) if one and int(one[2]) <= epoch]
        for one in sorted(found, key=lambda one: (int(one[2]), one[3] == named, one[3]), reverse=True):
            got = self.place.get(one[0])
            if got is None:
                continue
            if is_intact(one[0], got[0]):
                write_atomically(self.run / name_copy(one[0]), got[0])
                self._versions[one[0]] = got[1]
                return notes
            aside = f"{name_copy(one[0])}{ASIDE}{time.strftime('%Y%m%dT%H%M%S')}"
            with suppress(Conflict):
                self.place.create(aside, got[0])
            self.place.delete([one[0]])
            self._there[trial].remove(one[0])
            notes.append(f"the checkpoint of epoch {one[2]} was damaged and set aside as {Path(aside).name}")
        return notes

    def leave(self, trial: Path) -> None:
        """A worker keeps no copy: it may train hundreds of trials, each with its checkpoint."""
        if self._mirror is None:
            shutil.rmtree(trial, ignore_errors=True)

    def publish(self, checkpoint: Path) -> None:
        """Writes a checkpoint under a name of its own."""
        content, trial = checkpoint.read_bytes(), self._name(checkpoint.parent)
        name = name_checkpoint(self._name(checkpoint), content)
        for key in [key for key in self._versions if _is_of(key, self._name(checkpoint))]:
            del self._versions[key]  # It was no good.
        self._published[trial] = compute_digest(content)
        self._there[trial] = [*self._there.get(trial, []), name]
        try:
            self._versions[name] = self.place.create(name, content)
        except Conflict:  # The same content.
            self._versions[name] = Version(None)

    def holds(self, checkpoint: Path) -> bool:
        """Whether a checkpoint was in the bucket when the mirror was last brought up to date."""
        name = self._name(checkpoint)
        there = self._mirror.checkpoints if self._mirror is not None else self._versions
        return any(_is_of(key, name) for key in there)

    def keep_only(self, trial: Path, checkpoint: Path | None) -> None:
        """Removes a trial's other checkpoints, also those that processes have left that are no more."""
        super().keep_only(trial, checkpoint)
        key = self._name(trial)
        names = self._there[key] if key in self._there else self._list_checkpoints(key)
        kept = [] if checkpoint is None else [name for name in names if _is_of(name, self._name(checkpoint))]
        named = f".{self._find_named(key)}."
        kept = [name for name in kept if name in self._versions] or [name for name in kept if named in name] or kept
        self.check()  # After the list, which so has nothing of another driver's workers.
        gone = [name for name in names if name not in kept]
        self.place.delete(gone)
        for name in gone:
            self._drop(name)
        if self._lease is not None:
            self._there.pop(key, None)  # Workers go on.


def _has_same_end(outcome: bytes, content: Mapping[str, Any]) -> bool:
    with suppress(Damaged):
        there = unseal(outcome)
        return all(there.get(key) == content[key] for key in ("status", "epoch"))
    return False


def _is_of(name: str, checkpoint: str) -> bool:
    """Whether an object is a checkpoint of that name in a folder."""
    return CHECKPOINT.fullmatch(name) is not None and name_copy(name) == checkpoint
