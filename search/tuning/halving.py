"""Hands out the trials of a sweep rung by rung, as synchronous successive halving decides (``spaces.specs.halving``).

There is nothing to remember but the records: who goes on, who is stopped and who waits follows from them. Rungs and
architectures overlap: whatever is certain is acted on at once, and the lowest rung comes first, so that workers have
the higher ones to turn to while the last trials of a rung are under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

from ray.tune.search import Searcher

from search.storage.trial_folder import TrialFolder
from search.tuning.feed import Feed, make_tune_config
from spaces import TrialSpec
from spaces.specs.halving import Course, Judgement, judge, make_course
from spaces.specs.protocol import ENDED_BY_ITSELF
from spaces.specs.run import RunSpec


class Ladder:
    """The configurations of one architecture on their way up the rungs.

    Args:
        spec: the run.
        trials: one for each configuration, in the order in which they are tried.
        recorded: those of them that have a record.
    """

    def __init__(self, spec: RunSpec, trials: Iterable[TrialSpec], recorded: Iterable[TrialFolder]):
        self.trials = {trial.config_id: trial for trial in trials}
        self._rungs, self._eta = spec.list_rungs(), spec.reduction_factor
        self._courses = dict.fromkeys(self.trials, Course())
        for folder in recorded:
            if folder.spec.config_id in self.trials:
                self.enter(folder)

    def enter(self, folder: TrialFolder) -> None:
        """Takes in a trial's record."""
        self._courses[folder.spec.config_id] = make_course(folder.rows, folder.status, self._rungs)

    def judge(self) -> Judgement:
        """What is certain by now."""
        return judge(self._courses, len(self._rungs), self._eta)

    def list_members(self, rung: int) -> list[TrialSpec] | None:
        """Those that are trained beyond so many rungs; None while it is not certain of all whether they are."""
        judgement, members = self.judge(), []
        for name, course in self._courses.items():
            passed, reached = judgement.passed[name], course.standings
            if passed >= rung:
                members.append(self.trials[name])
            elif name not in judgement.stopped and (len(reached) <= passed or reached[passed].accuracy is not None):
                return None
        return members

    def list_ready(self, judgement: Judgement) -> list[tuple[int, str]]:
        """Those that may be trained on, by rung and config id: they have not reached the one that is before them."""
        return [(rung, name) for name, rung in judgement.passed.items() if len(self._courses[name].standings) <= rung]


def make_ladders(spec: RunSpec, trials: Sequence[TrialSpec], recorded: Sequence[TrialFolder]) -> dict[str, Ladder]:
    """The ladder of each architecture."""
    return {
        name: Ladder(
            spec,
            (trial for trial in trials if trial.architecture == name),
            (folder for folder in recorded if folder.spec.architecture == name),
        )
        for name in spec.architectures
    }


def settle(ladders: dict[str, Ladder], recorded: Iterable[TrialFolder]) -> None:
    """Makes the outcomes what the records say.

    Those that a driver was killed before writing are written; stops that are in doubt, now that the run has grown, are
    taken back.
    """
    stopped = frozenset().union(*(ladder.judge().stopped for ladder in ladders.values()))
    for folder in recorded:
        outcome, stops = folder.read_outcome(), folder.spec.config_id in stopped
        if outcome == "stopped" and not stops:
            folder.reopen()
        elif outcome is None and stops:
            folder.decide("stopped", folder.epoch)
        elif outcome is None and folder.status in ENDED_BY_ITSELF:
            folder.decide(folder.status, folder.epoch)


class Halving(Feed):
    """Hands out each trial up to its next rung, and again once it is certain that it goes on.

    Args:
        spec: the run.
        ladders: of each architecture.
        recorded: trials that have a record, whose outcomes are settled.
    """

    def __init__(self, spec: RunSpec, ladders: dict[str, Ladder], recorded: Sequence[TrialFolder]):
        super().__init__()
        self._ladders, self._order = ladders, {name: index for index, name in enumerate(ladders)}
        self._epochs = [*spec.list_rungs(), spec.max_epochs]
        self._places = {name: index for ladder in ladders.values() for index, name in enumerate(ladder.trials)}
        ended = {folder.spec.config_id for folder in recorded if folder.read_outcome() is not None}
        self._open = {name: {*ladder.trials} - ended for name, ladder in ladders.items()}
        self._queue: list[tuple[int, int, int, str, str]] = []  # By rung, architecture, and place in its order.
        self._queued: set[tuple[int, str]] = set()
        self._live: set[str] = set()  # Tune's ids of those that are handed out.
        for architecture in ladders:
            self._advance(architecture)

    def _advance(self, architecture: str) -> Judgement:
        """Queues those of an architecture that may be trained on and are not queued yet."""
        ladder = self._ladders[architecture]
        judgement = ladder.judge()
        for rung, name in ladder.list_ready(judgement):
            if name in self._open[architecture] and (rung, name) not in self._queued:
                self._queued.add((rung, name))
                heappush(self._queue, (rung, self._order[architecture], self._places[name], architecture, name))
        return judgement

    @property
    def finished(self) -> bool:
        """Whether all have ended."""
        return not self.architectures

    @property
    def architectures(self) -> set[str]:
        """Those with a trial that has not ended."""
        return {name for name, names in self._open.items() if names}

    @property
    def left(self) -> Sequence[TrialSpec]:
        """Those that have not ended."""
        return [self._ladders[name].trials[each] for name, names in self._open.items() for each in sorted(names)]

    def list_peers(self, trial: TrialSpec, max_epochs: int) -> Sequence[TrialSpec] | None:
        """Those of its architecture that go on to the same rung."""
        return self._ladders[trial.architecture].list_members(self._epochs.index(max_epochs))

    def suggest(self, trial_id: str) -> Any:
        """The next trial; None while that depends on those that are under way."""
        if not self._queue:
            return None if self._live else Searcher.FINISHED
        rung, _, _, architecture, name = heappop(self._queue)
        self._live.add(trial_id)
        last = rung == len(self._epochs) - 1
        return make_tune_config(self._ladders[architecture].trials[name], self._epochs[rung], rung=not last)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """A trial is no longer under way; if it got anywhere, ``take_in`` says where it stands."""
        self._live.discard(trial_id)

    def take_in(self, folder: TrialFolder) -> list[TrialSpec]:
        """Takes in where a trial stands that has ended or reached its rung; returns those that are stopped by that."""
        architecture = folder.spec.architecture
        ladder, still = self._ladders[architecture], self._open[architecture]
        ladder.enter(folder)
        if folder.read_outcome() is not None:
            still.discard(folder.spec.config_id)
        stopped = sorted(self._advance(architecture).stopped & still)
        still.difference_update(stopped)
        return [ladder.trials[name] for name in stopped]
