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

from search.files import write_json
from search.lock import Lock
from spaces import TrialSpec

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
        notes: what a reader of the record should know, such as epochs that had to be redone.
    """

    def __init__(self, run: Path, spec: TrialSpec):
        self.spec = spec
        self.path = run / "trials" / spec.trial_id
        self.rows: list[dict[str, Any]] = []
        self.status = "running"
        self.error: str | None = None
        self.notes: list[str] = []
        self._lock = Lock(self.path / "lock")

    def open(self) -> None:
        """Takes the trial's lock and reads what is there.

        Raises:
            TimeoutError: another process holds the trial.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._lock.acquire(LOCK_WAIT_SECONDS):
            raise TimeoutError(f"trial {self.spec.trial_id} is held by another process")
        self.read()

    def close(self) -> None:
        """Gives the lock back."""
        self._lock.release()

    def read(self) -> None:
        """Reads the record, without the lock; a trial never started has no rows."""
        record = read_json(self.path / "record.json")
        if record is not None:
            TrialSpec.from_dict(record["trial"])  # Raises where the record is not this trial's.
            self.rows, self.status, self.error = record["rows"], record["status"], record["error"]
            self.notes = record["notes"]

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
        self.rows.append(dict(row))
        self.status = status
        self._write(made_by)
        previous.unlink(missing_ok=True)

    def fail(self, error: str, made_by: Mapping[str, str]) -> None:
        """Records that the trial cannot go on, with the reason kept."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.status, self.error = "failed", error
        self._write(made_by)

    def restart(self, reason: str) -> None:
        """Forgets the rows, with a note: without its checkpoint a trial can only begin again."""
        self.notes.append(f"epochs 1 to {self.epoch} were trained again: {reason}")
        self.rows, self.status, self.error = [], "running", None

    def _write(self, made_by: Mapping[str, str]) -> None:
        record = {
            "format": FORMAT,
            "trial": self.spec.as_dict(),
            "status": self.status,
            "error": self.error,
            "notes": self.notes,
            "made_by": dict(made_by),
            "rows": self.rows,
        }
        write_json(self.path / "record.json", record)

    def verdict(self) -> str | None:
        """How the trial ended (completed, stopped, diverged, failed), or None while it has not."""
        verdict = read_json(self.path / "verdict.json")
        return None if verdict is None else verdict["status"]

    def decide(self, status: str, epoch: int) -> None:
        """Writes the verdict. Only a completed trial keeps its checkpoint."""
        self.path.mkdir(parents=True, exist_ok=True)
        verdict = {"format": FORMAT, "status": status, "epoch": epoch, "time": time.time()}
        write_json(self.path / "verdict.json", verdict)
        if status != "completed":
            self.checkpoint_of(epoch).unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Reads a JSON file; None where there is none."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
