"""ASHA's decisions, in the order in which they were made.

RUN/decisions.jsonl has a line for each trial at each rung, written before the decision is acted on.
Several workers report at about the same time, so the times in their records do not settle who was
judged first; this file does, and from it ASHA's rungs are rebuilt exactly (Ray does not save them).
Lines that are lost are restored from the records, in the order of their times.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from search.storage.json_files import read_lines
from search.storage.trial_folder import TrialFolder
from search.storage.writer import Writer

NAME = "decisions.jsonl"
FIELDS = {"trial_id": str, "architecture": str, "epoch": int, "accuracy": int | float, "decision": str}


class Journal:
    """The decisions of a run.

    Args:
        run: the run folder.
        rungs: the epochs at which ASHA judges.
        guard: lets this process write only while the run is its driver's.
    """

    def __init__(self, run: Path, rungs: Sequence[int], guard: Writer | None = None):
        self._path, self._rungs, self._guard = run / NAME, set(rungs), guard or Writer(run)
        self.entries = [
            line
            for line in read_lines(self._path)[0]
            if all(isinstance(line.get(name), kind) for name, kind in FIELDS.items()) and line["epoch"] in self._rungs
        ]
        self._known = {(line["trial_id"], line["epoch"]) for line in self.entries}
        self._stopped = {line["trial_id"]: line["epoch"] for line in self.entries if line["decision"] == "STOP"}

    def enter(self, trial: dict[str, Any], epoch: int, accuracy: float, decision: str, **more: Any) -> None:
        """Writes a decision down, once for each trial and rung; other epochs are not judged.

        Args:
            trial: the trial as plain data.
            epoch: its epoch.
            accuracy: what it was judged by.
            decision: CONTINUE, STOP, or END for a trial that ended by itself.
            more: further fields.
        """
        key = (trial["trial_id"], epoch)
        if epoch not in self._rungs or key in self._known:
            return
        entry = {name: trial[name] for name in ("trial_id", "architecture")}
        entry |= {"epoch": epoch, "accuracy": accuracy, "decision": decision, "time": time.time(), **more}
        self._guard.check()
        self._guard.append(self._path, entry)
        self._known.add(key)
        self.entries.append(entry)
        if decision == "STOP":
            self._stopped[trial["trial_id"]] = epoch

    def restore(self, folders: Iterable[TrialFolder], accuracy_of: Any) -> None:
        """Enters the judgements that must have been made, by what followed them, and are not there.

        Args:
            folders: recorded trials.
            accuracy_of: what a folder's trial was judged by after a number of rows.
        """
        lost = []
        for folder in folders:
            outcome = folder.read_outcome()
            for count, row in enumerate(folder.rows, start=1):
                last = count == len(folder.rows)
                if row["epoch"] in self._rungs and (not last or outcome is not None):
                    decision = "CONTINUE" if not last else "STOP" if outcome == "stopped" else "END"
                    lost.append((row["time"], folder.spec.trial_id, folder, count, decision))
        for _, _, folder, count, decision in sorted(lost, key=lambda entry: entry[:2]):
            accuracy = accuracy_of(folder, count)
            self.enter(folder.spec.as_dict(), folder.rows[count - 1]["epoch"], accuracy, decision, restored=True)

    def has_stopped(self, trial_id: str, epoch: int) -> bool:
        """Whether a trial was stopped at this epoch or an earlier one; a decision is never taken back."""
        return self._stopped.get(trial_id, math.inf) <= epoch
