"""The folder of one trial: its record, its checkpoint, its outcome.

The record is rewritten whole after every epoch, or after some short ones together; that write is the
commit. The checkpoint of the last epoch is written before the commit and the older one removed after
it, so whichever moment a process dies, the last recorded epoch has its checkpoint. Checkpoint and
outcome both carry a copy of the record, so a record that is damaged later can be restored
(search/storage/repair.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from search.errors import Busy
from search.storage.file_lock import Lock
from search.storage.json_files import replace_not_finite
from search.storage.writer import Writer
from spaces import TrialSpec, UserError
from spaces.common.wording import format_command
from spaces.files.sealed import Damaged
from spaces.specs.predictions import Predictions
from spaces.specs.protocol import ENDED_BY_ITSELF
from spaces.specs.records import OUTCOME, RECORD, Outcome, Record, read_outcome, read_record

LOCK_WAIT_SECONDS = 60.0  # Workers outlive a killed driver by up to seconds.


class TrialFolder:
    """What is on disk of one trial.

    Attributes:
        spec: what defines the trial.
        path: its folder, RUN/trials/TRIAL_ID.
        rows, status, error, makers, notes, predictions: those of its ``Record``, as last committed.
    """

    def __init__(self, run: Path, spec: TrialSpec, guard: Writer | None = None):
        self.spec = spec
        self.path = run / "trials" / spec.trial_id
        self.rows: list[dict[str, Any]] = []
        self.status = "running"
        self.error: str | None = None
        self.notes: list[str] = []
        self.makers: list[dict[str, str]] = []
        self.predictions: Predictions | None = None
        self._guard = guard or Writer(run)
        self._lock = Lock(self.path / "lock")

    def open(self) -> None:
        """Takes the trial's lock, reads what is there and removes what a killed process left half done.

        Raises:
            Busy: another process holds the trial.
            Superseded: the run is another driver's now.
            Damaged: the record is not what was written.
            OSError: the folder cannot be written.
        """
        self._guard.check()
        if self.path.is_symlink() or self.path.parent.is_symlink():
            raise Damaged(f"{self.path} is a link, which invsearch never makes")
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._lock.acquire(LOCK_WAIT_SECONDS):
            raise Busy(f"trial {self.spec.trial_id} is held by another process, perhaps of a driver that was killed")
        self.read()
        notes = self._guard.claim(self.path, self.record(), self.epoch)
        self._guard.keep_only(self.path, self.checkpoint)
        for text in notes:
            self.note(text)

    def close(self) -> None:
        """Gives the trial back."""
        self._guard.leave(self.path)
        self._lock.release()

    def read(self) -> None:
        """Reads the record, without the lock; a trial never started has no rows.

        Raises:
            Damaged: the record is not what was written.
        """
        self._guard.fetch(self.path / RECORD)
        if (record := read_record(self.path)) is not None:
            self.adopt(record)

    def adopt(self, record: Record) -> None:
        """Takes over what a record of this trial says."""
        self.rows, self.status, self.error = record.rows, record.status, record.error
        self.notes, self.makers, self.predictions = record.notes, record.makers, record.predictions

    @property
    def epoch(self) -> int:
        """The last recorded epoch, 0 before the first."""
        return self.rows[-1]["epoch"] if self.rows else 0

    @property
    def checkpoint(self) -> Path:
        """The checkpoint from which the trial continues.

        It belongs to the last recorded epoch; only while lost epochs are trained again it is an earlier one.
        """
        there = [epoch for epoch in range(self.epoch, 0, -1) if self.find_checkpoint(epoch).is_file()]
        return self.find_checkpoint(there[0] if there else self.epoch)

    def find_checkpoint(self, epoch: int) -> Path:
        """Where the checkpoint of an epoch lies."""
        return self.path / f"checkpoint-{epoch}.safetensors"

    def commit(
        self,
        row: Mapping[str, Any],
        status: str,
        maker: Mapping[str, str],
        save: Callable[[Path, Any], object],
        predictions: Predictions | None = None,
        earlier: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Records a finished epoch: checkpoint first, then the record, then the old checkpoint goes.

        Args:
            row: the epoch's numbers.
            status: ``running`` or ``diverged``.
            maker: versions, device and node that computed the row.
            save: writes a checkpoint with the given record to a path; not called for a diverged trial.
            predictions: those of this epoch, where they are kept; those of an earlier one are kept no longer.
            earlier: the numbers of epochs before this one that are recorded with it.

        Raises:
            Superseded: the run is another driver's now; nothing was written.
            OSError: it could not be written; the trial stands where it stood.
        """
        rows = [*earlier, row]
        expected = list(range(self.epoch + 1, self.epoch + len(rows) + 1))
        assert [each["epoch"] for each in rows] == expected, "an epoch is missing, or on record already"
        self._guard.check()
        before = (self.rows, self.status, self.makers, self.predictions)
        previous = self.checkpoint
        made_by = replace_not_finite(dict(maker))
        self.makers = self.makers if made_by in self.makers else [*self.makers, made_by]
        # As it will be read back.
        number = {"maker": self.makers.index(made_by)}
        self.rows = [*self.rows, *(replace_not_finite(dict(each)) | number for each in rows)]
        self.status, self.predictions = status, predictions
        try:
            if status not in ENDED_BY_ITSELF:
                self._save(self.epoch, save)
            self._write()
        except BaseException:
            self.rows, self.status, self.makers, self.predictions = before
            raise
        self._guard.remove(previous)

    def _save(self, epoch: int, save: Callable[[Path, Any], object]) -> None:
        save(self.find_checkpoint(epoch), self.record())
        self._guard.publish(self.find_checkpoint(epoch))

    def fail(self, error: str) -> None:
        """Records that the trial cannot continue, with the reason kept: a traceback, or a sentence.

        Raises:
            Superseded: the run is another driver's now; nothing was written.
        """
        self._guard.check()
        self.path.mkdir(parents=True, exist_ok=True)
        self.status, self.error = "failed", error
        self._write()

    def save_again(self, epoch: int, save: Callable[[Path, Any], object]) -> None:
        """Keeps the checkpoint of a recorded epoch that was trained again, in place of an earlier one."""
        self._guard.check()
        self._save(epoch, save)
        self._guard.keep_only(self.path, self.find_checkpoint(epoch))

    def note(self, text: str) -> None:
        """Adds what a reader should know."""
        self._guard.check()
        self.notes = [*self.notes, text]
        self._write()

    def reopen(self, reason: str | None = None) -> None:
        """Takes an outcome back, so that the trial continues; the reason is entered in the notes of one that failed."""
        if reason is not None:
            self.status, self.error = "running", None
            self.note(reason)
        self._guard.check()
        self._guard.remove(self.path / OUTCOME)

    def record(self) -> dict[str, Any]:
        """What the record says, as plain data."""
        plain = (self.status, self.error, self.notes, self.makers, self.rows)
        return Record(self.spec, *plain, self.predictions).as_dict()

    def _write(self) -> None:
        self._guard.write(self.path / RECORD, self.record())

    def read_outcome(self) -> str | None:
        """How the trial ended (completed, stopped, diverged, failed), or None while it has not.

        Raises:
            Damaged: the outcome is not what was written.
        """
        found = read_outcome(self.path)
        return None if found is None else found.status

    def decide(self, status: str, epoch: int, keep_checkpoint: bool = False) -> None:
        """Writes the outcome: one of ``protocol.ENDED``, and the last epoch.

        Whether the last checkpoint stays is ``keep_checkpoint``; a failed trial keeps what it has, to be tried again.
        """
        self._guard.check()
        self.path.mkdir(parents=True, exist_ok=True)
        self.read()
        self._guard.create(self.path / OUTCOME, Outcome(status, epoch, time.time(), self.record()).as_dict())
        if status != "failed":
            self._guard.keep_only(self.path, self.find_checkpoint(epoch) if keep_checkpoint else None)

    def drop_checkpoint(self) -> None:
        """Removes the checkpoint of a trial that has ended."""
        self._guard.check()
        self._guard.keep_only(self.path, None)

    def has_checkpoint(self) -> bool:
        """Whether the trial can continue from the epoch that it has come to."""
        return self._guard.holds(self.checkpoint)


def read_trials(run: Path, trial_ids: Iterable[str]) -> list[TrialSpec]:
    """What defines some trials of a run, by their records.

    Raises:
        UserError: a record is not there any more.
    """
    found = []
    for name in trial_ids:
        record = read_record(run / "trials" / name)
        if record is None:
            mending = format_command("invsearch", "check", run, "--repair")
            raise UserError(f"{run}: the record of {name} is not there; {mending} restores what can be")
        found.append(record.spec)
    return found
