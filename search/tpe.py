"""Model-based search: one hyperopt TPE per architecture, whose history is the records.

hyperopt repeats itself on small spaces, so a proposal that is already recorded is answered from
its record and costs nothing. Diverged trials count as the worst; failed ones are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hyperopt import hp
from ray.tune.search import Searcher
from ray.tune.search.hyperopt import HyperOptSearch

from search.trainable import METRIC, report
from search.trial_folder import TrialFolder
from spaces import Choice, Domain, Hyperparameters, LogUniform, TrialSpec
from spaces.run import RunSpec

MAX_REPEATS = 100  # In a row; then an untried grid point is taken.


def as_hyperopt(name: str, domain: Domain) -> Any:
    """A domain in hyperopt's words."""
    if isinstance(domain, Choice):
        return hp.choice(name, list(domain.values))
    if isinstance(domain, LogUniform):
        return hp.loguniform(name, math.log(domain.low), math.log(domain.high))
    return hp.uniform(name, domain.low, domain.high)


class Proposer:
    """TPE for one architecture.

    Args:
        spec: the run.
        architecture: whose configurations are proposed.
        folders: its recorded trials.
    """

    def __init__(self, spec: RunSpec, architecture: str, folders: Sequence[TrialFolder]):
        self._spec, self._architecture, self._space = spec, architecture, spec.searched
        self._known: dict[str, dict[str, Any] | None] = {}  # Trial id -> its last report, if it has one.
        self._repeats: dict[str, list[str]] = {}  # Running trial id -> hyperopt ids that wait for it.
        self._exhausted = False
        ended = [folder for folder in folders if folder.verdict() is not None]
        opened = [folder for folder in folders if folder.verdict() is None]
        ended.sort(key=lambda folder: folder.rows[0]["time"] if folder.rows else math.inf)
        self._hyperopt = HyperOptSearch(
            {name: as_hyperopt(name, domain) for name, domain in self._space.domains.items()},
            metric=METRIC,
            mode="max",
            points_to_evaluate=[folder.spec.theta.as_dict() for folder in (*ended, *opened)],
            random_state_seed=spec.seed + len(folders),
        )
        for folder in ended:
            name = folder.spec.trial_id
            self._hyperopt.suggest(name)
            self._known[name] = report(folder, spec.max_epochs)
            self._tell(name, self._known[name])

    @property
    def proposed(self) -> int:
        """Configurations so far, recorded ones included."""
        return len(self._known)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to propose."""
        return self.proposed >= self._spec.planned or self._exhausted

    def propose(self) -> TrialSpec | None:
        """The next configuration that no record answers, or None if there seems to be none."""
        for attempt in range(MAX_REPEATS):
            name = f"{self._architecture}-{self.proposed}-{attempt}"
            values = self._hyperopt.suggest(name)
            assert isinstance(values, dict)
            trial = self._trial(self._space.snap(values))
            if trial.trial_id not in self._known:
                return self._enter(trial, [name])
            if trial.trial_id in self._repeats:
                self._repeats[trial.trial_id].append(name)
            else:
                self._tell(name, self._known[trial.trial_id])
        if self._space.size == math.inf:
            self._exhausted = True  # So narrow that rounding leaves nothing new.
            return None
        fresh = (self._trial(theta) for theta in self._space.grid(self._spec.seed))
        return self._enter(next(trial for trial in fresh if trial.trial_id not in self._known), [])

    def _trial(self, theta: Hyperparameters) -> TrialSpec:
        return self._spec.sweep_trial(self._architecture, theta)

    def _enter(self, trial: TrialSpec, names: list[str]) -> TrialSpec:
        self._known[trial.trial_id] = None
        self._repeats[trial.trial_id] = names
        return trial

    def complete(self, trial_id: str, result: dict[str, Any] | None) -> None:
        """Takes in the last report of a trial, None where it has none, for every proposal that waits for it."""
        self._known[trial_id] = result
        for name in self._repeats.pop(trial_id, []):
            self._tell(name, result)

    def _tell(self, name: str, result: dict[str, Any] | None) -> None:
        failed = not result or result["status"] == "failed"
        self._hyperopt.on_trial_complete(name, None if failed else result, error=failed)


class TpeSearch(Searcher):
    """Interleaves the architectures' proposers, so that all advance together.

    Args:
        spec: the run.
        folders: every recorded trial of the sweep.
    """

    def __init__(self, spec: RunSpec, folders: Sequence[TrialFolder]):
        super().__init__(metric=METRIC, mode="max")
        self._spec = spec
        self._proposers = {
            name: Proposer(spec, name, [folder for folder in folders if folder.spec.architecture == name])
            for name in spec.architectures
        }
        self._live: dict[str, TrialSpec] = {}

    @property
    def finished(self) -> bool:
        """Whether nothing is left to propose."""
        return all(proposer.finished for proposer in self._proposers.values())

    def suggest(self, trial_id: str) -> Any:
        """The next trial, for the architecture that has had the fewest."""
        while open_ones := [proposer for proposer in self._proposers.values() if not proposer.finished]:
            trial = min(open_ones, key=lambda proposer: proposer.proposed).propose()
            if trial is not None:
                self._live[trial_id] = trial
                return {"trial": trial.as_dict(), "max_epochs": self._spec.max_epochs}
        return Searcher.FINISHED

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Hands the outcome of a trial to its architecture's proposer."""
        trial = self._live.pop(trial_id)
        self._proposers[trial.architecture].complete(trial.trial_id, None if error else result)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the records are the history."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: the records are the history."""
