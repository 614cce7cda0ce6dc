"""Which checkpoints stay after their trials have finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from search.storage.trial_folder import TrialFolder
from spaces.specs.protocol import JUDGED_ON


class Keeper:
    """Decides whether a trial that was trained to its end keeps its last checkpoint.

    Args:
        kept: ``none``, ``all``, or ``best``: that of the highest accuracy per architecture and phase.
        recorded: reads the recorded trials of a phase; called only where it matters.
    """

    def __init__(self, kept: str, recorded: Callable[[str], Sequence[TrialFolder]]):
        self._kept, self._recorded = kept, recorded
        self._best: dict[tuple[str, str], tuple[float, TrialFolder]] = {}
        self._looked: set[str] = set()

    def keeps(self, folder: TrialFolder, accuracy: float) -> bool:
        """Whether this trial keeps its checkpoint; the one that it beats loses its own."""
        if self._kept != "best":
            return self._kept == "all"
        phase = folder.spec.phase
        if phase not in self._looked:
            self._looked.add(phase)
            for other in self._recorded(phase):
                if other.outcome() == "completed" and other.spec != folder.spec and other.checkpoint.exists():
                    self._enter(other, other.rows[-1][f"{JUDGED_ON[phase]}_accuracy"])
        return self._enter(folder, accuracy)

    def _enter(self, folder: TrialFolder, accuracy: float) -> bool:
        key = (folder.spec.phase, folder.spec.architecture)
        if key in self._best and self._best[key][0] >= accuracy:
            return False
        if key in self._best:
            self._best[key][1].drop_checkpoint()
        self._best[key] = (accuracy, folder)
        return True
