"""Hands trials to Tune one by one.

Tune copies a whole grid for each of its trials: that took it 51 s at 2,048 trials and 294 s at 5,000.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from ray.tune.search import Searcher

from search.storage.trial_folder import TrialFolder
from search.tuning.trainable import Unsaved
from spaces import TrialSpec


class Feed(Unsaved, Searcher):
    """A searcher that need not, and cannot, be saved: the records say what is left."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to hand out."""
        raise NotImplementedError

    @property
    def architectures(self) -> set[str]:
        """Those that something is left to hand out of."""
        raise NotImplementedError

    @property
    def left(self) -> Sequence[TrialSpec]:
        """Those that are known to be left to train; of what depends on the outcome of others, none."""
        return ()

    def list_peers(self, trial: TrialSpec, max_epochs: int) -> Sequence[TrialSpec] | None:
        """All trials that are trained as far as this one, ended ones too, in an order that lasts.

        None while it is not yet certain which they are.
        """
        raise NotImplementedError

    def take_in(self, folder: TrialFolder) -> Sequence[TrialSpec]:
        """Takes in where a trial stands that has ended or reached its rung; returns those that are stopped by that."""
        return ()

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class InTurn(Feed):
    """Hands out trials in their order, but for those that have ended by the records; each gets ``max_epochs``."""

    def __init__(self, trials: Sequence[TrialSpec], max_epochs: int, recorded: Sequence[TrialFolder] = ()):
        super().__init__()
        ended = {folder.spec.trial_id for folder in recorded if folder.read_outcome() is not None}
        self._planned = trials
        self._trials = deque(trial for trial in trials if trial.trial_id not in ended)
        self._max_epochs = max_epochs

    @property
    def finished(self) -> bool:
        """Whether all have been handed out."""
        return not self._trials

    @property
    def architectures(self) -> set[str]:
        """Those that something is left to hand out of."""
        return {trial.architecture for trial in self._trials}

    @property
    def left(self) -> Sequence[TrialSpec]:
        """Those that have not been handed out."""
        return self._trials

    def list_peers(self, trial: TrialSpec, max_epochs: int) -> Sequence[TrialSpec]:
        """All of them."""
        return self._planned

    def suggest(self, trial_id: str) -> Any:
        """The next trial."""
        return make_tune_config(self._trials.popleft(), self._max_epochs) if self._trials else Searcher.FINISHED

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing to learn."""


def make_tune_config(trial: TrialSpec, max_epochs: int, rung: bool = False) -> dict[str, Any]:
    """What Tune takes for the configuration of a trial; at a rung it does not end, but waits to be judged."""
    return {"trial": trial.as_dict(), "max_epochs": max_epochs, "rung": rung}
