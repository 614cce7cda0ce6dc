"""The folder of one trial: its record, its checkpoint, its verdict.

The record is rewritten whole after every epoch; that write is the commit. The checkpoint of an
epoch is written before the commit and the older one removed after it, so whichever moment a
process dies, the last recorded epoch has its checkpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from search.files import finite, write_json
from search.lock import Lock
from spaces import TrialSpec, UserError

FORMAT = 1
LOCK_WAIT_SECONDS = 60.0  # Workers outlive a killed driver by up to seconds.
ENDED_BY_ITSELF = ("diverged", "failed")


class TrialFolder:
    """What is on disk of one trial.

    Attributes:
        spec: what defines the trial.
        path: its folder, RUN/trials/TRIAL_ID.
        rows: one dict per finished epoch, as last committed.
        status: ``running``, ``diverged`` or ``failed``: what the worker knows.
        error: the traceback of a failed trial.
        made_by: versions and device that computed the last row.
        notes: what a reader of the record should know, such as epochs that had to be redone.
    """

    def __init__(self, run: Path, spec: TrialSpec):
        self.spec = spec
        self.path = run / "trials" / spec.trial_id
        self.rows: list[dict[str, Any]] = []
        self.status = "running"
        self.error: str | None = None
        self.notes: list[str] = []
        self.made_by: Mapping[str, str] = {}
        self._lock = Lock(self.path / "lock")

    def open(self) -> None:
        """Takes the trial's lock, reads what is there and removes what a killed process left half done.

        Raises:
            TimeoutError: another process holds the trial.
            UserError: the record is damaged.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._lock.acquire(LOCK_WAIT_SECONDS):
            raise TimeoutError(f"trial {self.spec.trial_id} is held by another process")
        self.read()
        self._keep_only(self.checkpoint)

    def close(self) -> None:
        """Gives the lock back."""
        self._lock.release()

    def read(self) -> None:
        """Reads the record, without the lock; a trial never started has no rows."""
        record = read_json(self.path / "record.json")
        if record is None:
            return
        try:
            if TrialSpec.from_dict(record["trial"]) != self.spec:
                raise UserError("it is the record of another trial")
            self.rows, self.status, self.error = record["rows"], record["status"], record["error"]
            self.notes, self.made_by = record["notes"], record["made_by"]
        except (KeyError, TypeError, UserError) as error:
            raise damaged(self.path / "record.json", error) from None

    @property
    def epoch(self) -> int:
        """The last recorded epoch, 0 before the first."""
        return self.rows[-1]["epoch"] if self.rows else 0

    @property
    def checkpoint(self) -> Path:
        """The checkpoint that belongs to the last recorded epoch."""
        return self.checkpoint_of(self.epoch)

    def checkpoint_of(self, epoch: int) -> Path:
        """Where the checkpoint of an epoch lies."""
        return self.path / f"checkpoint-{epoch}.pt"

    def commit(
        self, row: Mapping[str, Any], status: str, made_by: Mapping[str, str], save: Callable[[Path], object]
    ) -> None:
        """Records a finished epoch: checkpoint first, then the record, then the old checkpoint goes.

        Args:
            row: the epoch's numbers.
            status: ``running`` or ``diverged``.
            made_by: versions and device that computed the row.
            save: writes a checkpoint to a path; not called for a diverged trial.
        """
        previous = self.checkpoint
        if status not in ENDED_BY_ITSELF:
            save(self.checkpoint_of(row["epoch"]))
        self.rows.append(finite(dict(row)))  # As it will be read back.
        self.status, self.made_by = status, made_by
        self._write()
        previous.unlink(missing_ok=True)

    def fail(self, error: str, made_by: Mapping[str, str] | None = None) -> None:
        """Records that the trial cannot go on, with the reason kept.

        Args:
            error: a traceback, or a sentence.
            made_by: versions and device of the process that failed; None keeps those of the last row.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.status, self.error, self.made_by = "failed", error, made_by or self.made_by
        self._write()

    def _keep_only(self, checkpoint: Path | None) -> None:
        """Removes all other checkpoints, and drafts of files that were never finished."""
        for path in [*self.path.glob("checkpoint-*.pt"), *self.path.glob(".*.*")]:
            if path != checkpoint:
                path.unlink(missing_ok=True)

    def restart(self, reason: str) -> None:
        """Forgets the rows, with a note: without its checkpoint a trial can only begin again."""
        self.notes.append(f"epochs 1 to {self.epoch} were trained again: {reason}")
        self.rows, self.status, self.error = [], "running", None

    def _write(self) -> None:
        record = {
            "format": FORMAT,
            "trial": self.spec.as_dict(),
            "status": self.status,
            "error": self.error,
            "notes": self.notes,
            "made_by": dict(self.made_by),
            "rows": self.rows,
        }
        write_json(self.path / "record.json", record)

    def verdict(self) -> str | None:
        """How the trial ended (completed, stopped, diverged, failed), or None while it has not.

        Raises:
            UserError: the verdict is damaged.
        """
        verdict = read_json(self.path / "verdict.json")
        try:
            return None if verdict is None else verdict["status"]
        except (KeyError, TypeError) as error:
            raise damaged(self.path / "verdict.json", error) from None

    def decide(self, status: str, epoch: int) -> None:
        """Writes the verdict. A trial that cannot go on, stopped or diverged, loses its checkpoint."""
        self.path.mkdir(parents=True, exist_ok=True)
        verdict = {"format": FORMAT, "status": status, "epoch": epoch, "time": time.time()}
        write_json(self.path / "verdict.json", verdict)
        self._keep_only(self.checkpoint_of(epoch) if status in ("completed", "failed") else None)


def read_json(path: Path) -> Any:
    """Reads a JSON file; None where there is none.

    Raises:
        UserError: not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> UserError:
    """What to say of a file that something else than invsearch has changed."""
    return UserError(f"{path}: damaged ({error}); restore it, or remove the folder {path.parent} to do its work again")
