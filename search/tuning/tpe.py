"""Model-based search: one hyperopt TPE per architecture, whose history is the records.

hyperopt repeats itself on small spaces. A repeat is forgotten: hyperopt knows its outcome already and would only become
slower. Diverged trials count as the worst; failed ones are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from hyperopt import hp
from ray.tune.search import Searcher
from ray.tune.search.hyperopt import HyperOptSearch

from search.storage.trial_folder import TrialFolder
from search.tuning.feed import Feed, make_tune_config
from search.tuning.trainable import METRIC, report
from spaces import Choice, Domain, LogUniform, RandInt, TrialSpec
from spaces.space import MAX_POINTS
from spaces.specs.run import RunSpec

MAX_REPEATS = 10  # In a row; then an untried point is taken.
NEARLY = 0.9  # Once so much of a grid is tried, the rest is enumerated.


def _as_hyperopt(name: str, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        return hp.choice(name, list(domain.values))
    if isinstance(domain, RandInt):  # Rounded to whole numbers, and the ends are as likely as the others.
        return hp.quniform(name, domain.low - 0.5, domain.high + 0.5, 1)
    if isinstance(domain, LogUniform):
        return hp.loguniform(name, math.log(domain.low), math.log(domain.high))
    return hp.uniform(name, domain.low, domain.high)


class Proposer:
    """TPE for one architecture, whose recorded trials are given."""

    def __init__(self, spec: RunSpec, architecture: str, folders: Sequence[TrialFolder]):
        self._spec, self._architecture, self._space = spec, architecture, spec.find_space(architecture)
        self._known: set[str] = set()  # Trial ids.
        self._trial = partial(spec.sweep_trial, architecture)
        self._planned = spec.count_planned(architecture)
        self._size = self._space.size if self._space.size <= MAX_POINTS else math.inf  # Of more, none is listed.
        self._untried = self._list_untried()
        ended = [folder for folder in folders if folder.read_outcome() is not None]
        ended.sort(key=lambda folder: folder.rows[0]["time"] if folder.rows else math.inf)
        opened = [folder for folder in folders if folder.read_outcome() is None]
        self._opened = [folder.spec for folder in opened]
        self._hyperopt = HyperOptSearch(
            {name: _as_hyperopt(name, domain) for name, domain in self._space.domains.items()},
            metric=METRIC,
            mode="max",
            points_to_evaluate=[folder.spec.theta.as_dict() for folder in (*ended, *opened)],
            random_state_seed=spec.seed + len(folders),
        )
        self._best: Any = self._hyperopt.algo  # Takes the most promising of 24 draws from where the good ones are.
        self._good = partial(self._best, n_EI_candidates=1)  # Takes any, so it repeats itself less.
        for folder in (*ended, *opened):
            self._hyperopt.suggest(folder.spec.trial_id)
        for folder in ended:
            self._known.add(folder.spec.trial_id)
            self.tell(folder.spec.trial_id, report(folder, spec.max_epochs))

    @property
    def proposed(self) -> int:
        """Configurations so far, recorded ones included."""
        return len(self._known)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to propose."""
        return self.proposed >= self._planned

    def propose(self) -> tuple[TrialSpec, str]:
        """An unfinished trial, or the next configuration that is not known yet.

        With it comes what hyperopt calls it, if it has heard of it.
        """
        if self._opened:
            return self._enter(self._opened.pop(0))
        attempts = 0 if self.proposed >= NEARLY * self._size else MAX_REPEATS
        for attempt in range(attempts):
            name = f"{self._architecture}-{self.proposed}-{attempt}"
            self._hyperopt.algo = self._best if attempt == 0 else self._good
            values = self._hyperopt.suggest(name)
            assert isinstance(values, dict)
            trial = self._trial(self._space.snap(values))
            if trial.trial_id not in self._known:
                return self._enter(trial, name)
            self.tell(name, None)
        return self._enter(next(self._untried))

    def _list_untried(self) -> Iterator[TrialSpec]:
        """Every point of a grid, of another space as many as are planned, but for those that are known by then."""
        seed, listed = self._spec.seed, self._size < math.inf
        for theta in self._space.walk(seed) if listed else self._space.draw(self._planned, seed):
            if (trial := self._trial(theta)).trial_id not in self._known:
                yield trial

    def _enter(self, trial: TrialSpec, name: str | None = None) -> tuple[TrialSpec, str]:
        self._known.add(trial.trial_id)
        return trial, name or trial.trial_id

    def tell(self, name: str, result: dict[str, Any] | None) -> None:
        """Takes in the last report of a trial, None where it has none."""
        failed = not result or result["status"] == "failed"
        self._hyperopt.on_trial_complete(name, None if failed else result, error=failed)


class TpeSearch(Feed):
    """Interleaves the architectures' proposers, so that all advance together; knows the sweep's recorded trials."""

    def __init__(self, spec: RunSpec, folders: Sequence[TrialFolder]):
        super().__init__(metric=METRIC, mode="max")
        self._spec = spec
        self._proposers = {
            name: Proposer(spec, name, [folder for folder in folders if folder.spec.architecture == name])
            for name in spec.architectures
        }
        self._live: dict[str, tuple[Proposer, str]] = {}

    @property
    def finished(self) -> bool:
        """Whether nothing is left to propose."""
        return not self.architectures

    @property
    def architectures(self) -> set[str]:
        """Those that something is left to propose for."""
        return {name for name, proposer in self._proposers.items() if not proposer.finished}

    def suggest(self, trial_id: str) -> Any:
        """The next trial, for the architecture that has had the fewest."""
        open_ones = [proposer for proposer in self._proposers.values() if not proposer.finished]
        if not open_ones:
            return Searcher.FINISHED
        proposer = min(open_ones, key=lambda proposer: proposer.proposed)
        trial, name = proposer.propose()
        self._live[trial_id] = (proposer, name)
        return make_tune_config(trial, self._spec.max_epochs)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Hands the outcome of a trial to its architecture's proposer."""
        proposer, name = self._live.pop(trial_id)
        proposer.tell(name, None if error else result)
