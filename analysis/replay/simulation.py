"""One search, replayed: who would have been trained how far, in which order, and what was the best by then."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from analysis.replay.asha import Asha
from analysis.replay.material import Material
from spaces.specs.halving import LOST, Course, Standing, count_places, judge, list_ladder

JITTER = (0.8, 1.25)
"""By how much a stretch of training may be faster or slower than it was on record."""


class Source(Protocol):
    """Where configurations come from, one by one, as places in a material."""

    def propose(self) -> int | None:
        """The next one; None after the last."""
        ...

    def learn(self, configuration: int, accuracy: float) -> None:
        """Is told how one ended: the accuracy that it had then, 0 where it diverged."""
        ...


class Listed:
    """A source that hands out configurations in a given order."""

    def __init__(self, order: Iterable[int]):
        self._order = iter(order)

    def propose(self) -> int | None:
        """The next one."""
        return next(self._order, None)

    def learn(self, configuration: int, accuracy: float) -> None:
        """Nothing to learn."""


class Decision(NamedTuple):
    """What was decided of a trial at a rung; ``stays`` is None where it had ended there by itself."""

    trial: str
    epoch: int
    accuracy: float
    stays: bool | None


@dataclass
class Trace:
    """The course of a search.

    Attributes:
        spent: epochs that were trained by the time at which a configuration was trained to the end, for each of them.
        picks: the best of these by then, as a place in the material.
        total: epochs that were trained in all.
        judgements: ASHA's, in their order.
    """

    spent: list[int] = field(default_factory=list)
    picks: list[int] = field(default_factory=list)
    total: int = 0
    judgements: list[Decision] = field(default_factory=list)

    def complete(self, material: Material, configuration: int) -> None:
        """Enters a configuration that was trained to the end."""
        best = self.picks[-1] if self.picks else configuration
        self.spent.append(self.total)
        self.picks.append(configuration if material.ranks[configuration] < material.ranks[best] else best)


def simulate_workers(
    material: Material, source: Source, workers: int, random: np.random.Generator, asha: bool
) -> Trace:
    """Trials on workers that take the next one when they are free; ASHA judges them as they come, or nobody does.

    How long a trial takes is on record; each stretch of it is made faster or slower at random, so that arrivals vary.
    """
    trace, running, begun = Trace(), list[tuple[float, int, int, int]](), 0
    rungs = material.rungs if asha else []
    rule = Asha(rungs, material.eta)
    spans = np.concatenate([np.zeros((material.size, 1)), material.seconds.cumsum(axis=1)], axis=1)

    def advance(now: float, trial: int, configuration: int, epoch: int) -> None:
        last = int(material.last[configuration])
        to = next((rung for rung in rungs if epoch < rung < last), last)
        took = (spans[configuration, to] - spans[configuration, epoch]) * random.uniform(*JITTER)
        heapq.heappush(running, (now + took, trial, configuration, to))
        trace.total += to - epoch

    def begin(now: float) -> None:
        nonlocal begun
        configuration = source.propose()
        if configuration is not None:
            begun += 1
            advance(now, begun, configuration, 0)

    for _ in range(workers):
        begin(0.0)
    while running:
        now, trial, configuration, epoch = heapq.heappop(running)
        accuracy, name = float(material.accuracy[configuration, epoch - 1]), f"{trial}"
        ended = epoch == material.last[configuration]
        if epoch in rungs:
            stays = rule.judge(epoch, accuracy)
            trace.judgements.append(Decision(name, epoch, accuracy, None if ended else stays))
            if stays and not ended:
                advance(now, trial, configuration, epoch)
                continue
        elif not material.diverged[configuration]:
            trace.complete(material, configuration)
        source.learn(configuration, accuracy)
        begin(now)
    return trace


def simulate_halving(material: Material, order: Sequence[int], rungs: Sequence[int] | None = None) -> Trace:
    """Synchronous halving of configurations that are all known at the start, by the rule that a sweep goes by.

    Args:
        material: the curves.
        order: the configurations; one that was drawn twice is trained twice.
        rungs: where the best go on; None takes the material's.
    """
    rungs = material.rungs if rungs is None else rungs
    trials = {f"{material.names[place]} {number}": place for number, place in enumerate(order)}
    courses = {
        name: Course([_read_standing(material, place, rung) for rung in rungs]) for name, place in trials.items()
    }
    passed = judge(courses, len(rungs), material.eta).passed
    trace, stages = Trace(), [*rungs, material.max_epochs]
    for number, stage in enumerate(stages):
        before = stages[number - 1] if number else 0
        for name, place in trials.items():
            last = int(material.last[place])
            if passed[name] < number or last <= before:
                continue
            trace.total += min(stage, last) - before
            if stage == material.max_epochs and not material.diverged[place]:
                trace.complete(material, place)
    return trace


def _read_standing(material: Material, place: int, rung: int) -> Standing:
    whole = material.last[place] - material.diverged[place]
    if rung > whole:
        return LOST
    return Standing(float(material.accuracy[place, rung - 1]), float(material.loss[place, rung - 1]))


def list_brackets(material: Material) -> list[list[int]]:
    """The rungs of Hyperband's brackets: the grace period doubled as long as it fits (5, 10 and 20 of 20 epochs)."""
    graces = [material.grace_period]
    while graces[-1] * 2 <= material.max_epochs:
        graces.append(graces[-1] * 2)
    return [list_ladder(grace, material.max_epochs, material.eta) for grace in graces]


def simulate_hyperband(material: Material, order: Sequence[int]) -> Trace:
    """Hyperband (Li et al. 2018): brackets that stop early and late, each with the same share of the epochs."""
    brackets, trace = list_brackets(material), Trace()
    prices = [_expect_epochs(rungs, material) for rungs in brackets]
    shares = np.cumsum([1 / price for price in prices]) / sum(1 / price for price in prices)
    ends = [0, *(round(share * len(order)) for share in shares)]
    for rungs, (start, end) in zip(brackets, pairwise(ends), strict=True):
        part = simulate_halving(material, order[start:end], rungs)
        spent = trace.total
        for when, pick in zip(part.spent, part.picks, strict=True):
            trace.total = spent + when
            trace.complete(material, pick)
        trace.total = spent + part.total
    return trace


def count_affordable(material: Material, scheduler: str, epochs: float) -> int:
    """With how many configurations halving or Hyperband takes at most so many epochs; for Hyperband about."""
    if scheduler != "halving":
        prices = [_expect_epochs(rungs, material) for rungs in list_brackets(material)]
        return int(epochs * sum(1 / price for price in prices) / len(prices))
    count = int(epochs / material.rungs[0])
    while count and _count_epochs(count, material) > epochs:
        count -= 1
    return count


def _count_epochs(count: int, material: Material) -> int:
    """What halving of so many configurations takes where none diverges."""
    total = 0
    for start, end in pairwise([0, *material.rungs, material.max_epochs]):
        total += count * (end - start)
        count = count_places(count, material.eta)
    return total


def _expect_epochs(rungs: Sequence[int], material: Material) -> float:
    """What a configuration takes on average where one in eta goes on at each rung."""
    stages = [0, *rungs, material.max_epochs]
    return sum((end - start) / material.eta**number for number, (start, end) in enumerate(pairwise(stages)))
