"""Reading one run folder again and again: only trials that have changed since are read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from analysis.records.reader import Run, Trial, assemble_tables, attempt
from spaces.specs.records import FILES, list_trial_folders
from spaces.specs.run import SPEC

Stamp = tuple[tuple[int, int, int] | None, ...]
TOP = (SPEC, "costs.json")


class Follower:
    """The reader of a run folder that grows; what it returns is what ``read_run`` would.

    Every file of a run is replaced whole, so another inode, size or time means another content, and
    the same ones the same content.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self._trials: dict[str, tuple[Stamp, Trial | str | None]] = {}
        self._top: Stamp = ()
        self._run: Run | None = None

    def read(self) -> Run:
        """The run as it is now; the very same object as before if nothing has changed.

        Raises:
            UserError: not a run folder, or its spec.json cannot be read.
        """
        top = read_stamp(self._path, TOP)  # Before reading: what changes in between is read again next time.
        trials, changed = {}, 0
        for folder in list_trial_folders(self._path):
            now = read_stamp(folder, FILES)
            known = self._trials.get(folder)
            # What was damaged is tried again: it may have been read halfway through a change of two files.
            if known is None or known[0] != now or isinstance(known[1], str):
                changed += 1
                known = (now, attempt(folder))
            trials[folder] = known
        if self._run is None or changed or top != self._top or len(trials) != len(self._trials):
            self._run = assemble_tables(self._path, {folder: read for folder, (_, read) in trials.items()})
        self._trials, self._top = trials, top
        return self._run


def read_stamp(folder: str | Path, names: tuple[str, ...]) -> Stamp:
    """Inode, size and time of files in a folder; None for those that are not there."""
    found: dict[str, tuple[int, int, int] | None] = dict.fromkeys(names)
    for name in names:
        with suppress(OSError):
            status = os.lstat(os.path.join(folder, name))
            found[name] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return tuple(found.values())
