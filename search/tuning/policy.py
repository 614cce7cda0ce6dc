"""How an invocation treats a run: what it may take over, accept, retry and keep, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from search.storage.trial_folder import TrialFolder
from spaces import UserError
from spaces.specs.protocol import JUDGED_ON

STARTING_SECONDS = 20.0  # Of Ray and the first workers, measured on 2 cores that others use too.
KEPT = ("none", "best", "all")  # Of no finished trial, of each architecture's best, or of all.


@dataclass(frozen=True)
class Policy:
    """What each invocation may choose anew, because it does not change what the run is."""

    force: bool = False  # Take the run over from a driver that did not sign off.
    accept_changes: bool = False  # Resume with other code, libraries or engines than the run's so far.
    retry_failed: bool = False  # Open failed trials again.
    keep_checkpoints: str = "none"  # One of ``KEPT``: whose last checkpoints stay.
    max_concurrent: int | None = None  # Most trials at once; None for as many as there is room for.
    time_budget: float | None = None  # Seconds after which the invocation stops; None for no limit.
    reuse: Path | None = None  # A run whose trials are taken over where they are the same.
    started: float = field(default_factory=time.monotonic)  # When it began, by the monotonic clock.

    def __post_init__(self) -> None:
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise UserError(f"max-concurrent: {self.max_concurrent} is not allowed; give a whole number from 1 up")

    def warn_of_time(self) -> str:
        """What to say before Ray starts of a time budget that will hardly reach an epoch; empty where it is enough."""
        if self.time_budget is None:
            return ""
        left = self.time_budget - (time.monotonic() - self.started)
        if left > STARTING_SECONDS:
            return ""
        return (
            f"time-budget: {max(0.0, left):.0f} s are left, and starting Ray and its workers takes 10 to "
            f"{STARTING_SECONDS:.0f} s, so perhaps no epoch will be trained; give more"
        )

    def is_time_up(self) -> bool:
        """Whether the time budget is used up."""
        return self.time_budget is not None and time.monotonic() - self.started >= self.time_budget


class Keeper:
    """Decides which trials of a phase that were trained to their end keep their last checkpoint.

    Args:
        kept: ``none``, ``all``, or ``best``: that of the highest accuracy per architecture.
        recorded: reads the recorded trials of the phase; called only where it matters.
    """

    def __init__(self, kept: str, recorded: Callable[[], Sequence[TrialFolder]]):
        self._kept, self._recorded = kept, recorded
        self._best: dict[str, TrialFolder] | None = None

    def keeps(self, folder: TrialFolder) -> bool:
        """Whether this trial keeps its checkpoint; the one that it beats loses its own."""
        if self._kept != "best":
            return self._kept == "all"
        if self._best is None:
            self._best = {}
            for other in self._recorded():
                if other.read_outcome() == "completed" and other.spec != folder.spec and other.has_checkpoint():
                    self.keeps(other)
        folder.read()
        before = self._best.get(folder.spec.architecture)
        if before and _rank(before) < _rank(folder):
            return False
        if before:
            before.drop_checkpoint()
        self._best[folder.spec.architecture] = folder
        return True


def _rank(folder: TrialFolder) -> tuple[float, float, str, str]:
    """Smaller is better: by accuracy after the last epoch, then by loss, then by id."""
    spec, last = folder.spec, folder.rows[-1]
    accuracy, loss = (last[f"{JUDGED_ON[spec.phase]}_{name}"] for name in ("accuracy", "loss"))
    return -accuracy, loss, spec.config_id, spec.trial_id
