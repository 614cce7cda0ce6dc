"""What is left of a phase, by architecture: the epochs that a scheduler leads to expect, and the seconds they take."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from spaces.specs.halving import count_places
from spaces.specs.run import RunSpec

PRIOR = 4.0  # Judged trials that the scheduler's own rule counts for, beside those that were.
FEW = 200  # Trials below which it matters that the last ones leave slots idle.


@dataclass(frozen=True)
class Limits:
    """How long the trials of a phase may get.

    Attributes:
        budget: epochs of a trial that is trained to the end.
        rungs: epochs at which the scheduler judges; none where it stops nothing early.
        eta: one in so many goes on past a rung.
        is_exact: whether as many go on as halving's rule says, whatever happens.
    """

    budget: float
    rungs: Sequence[int] = ()
    eta: float = math.inf
    is_exact: bool = False


@dataclass
class Stand:
    """Where the trials of one architecture stand in a phase.

    Attributes:
        planned: trials in all.
        ended: how many have ended, by status and last epoch.
        open: how many have begun and not ended, by last epoch.
        epochs: how many were measured.
        seconds: what these took.
        weight: what an epoch costs beside one of the others, for as long as none is measured.
    """

    planned: int
    ended: Counter[tuple[str, int]] = field(default_factory=Counter)
    open: Counter[int] = field(default_factory=Counter)
    epochs: int = 0
    seconds: float = 0.0
    weight: float = 1.0

    @property
    def fresh(self) -> int:
        """Trials that have not begun."""
        return max(0, self.planned - self.ended.total() - self.open.total())

    @property
    def done(self) -> int:
        """Epochs on record."""
        ended = sum(epoch * count for (_, epoch), count in self.ended.items())
        return ended + sum(epoch * count for epoch, count in self.open.items())


def find_limits(spec: RunSpec) -> Limits:
    """That of a run's sweep."""
    return Limits(spec.max_epochs, spec.list_rungs(), spec.reduction_factor, spec.scheduler == "halving")


def weigh(costs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, float]:
    """What an epoch of each architecture costs beside the others': the multiplies of its layers, from costs.json."""
    return {
        name: float(max(1, sum(layer["mults"] + layer["transform_mults"] for layer in layers)))
        for name, layers in costs.items()
    }


def estimate_lengths(stand: Stand, limits: Limits) -> list[float]:
    """The epochs that each trial that has not ended still takes, to be expected; those that have begun come first.

    Which share goes on past a rung is measured on those that were judged there; at first the scheduler's rule tells.
    So trials that end early, which are the first to end, do not make the others look short. How many go on with halving
    is known.
    """
    ends = [*limits.rungs, limits.budget]
    lost = {end: count for end, count in stand.ended.items() if _broke_down(*end, ends[0])}
    broken, saved = sum(lost.values()), sum((ends[0] - min(end[1], ends[0])) * count for end, count in lost.items())
    share = broken / (stand.ended.total() + sum(stand.open[epoch] for epoch in stand.open if epoch) + 1.0)
    spared = share * saved / broken if broken else 0.0
    onward = _expect_onward(stand, limits)
    lengths: list[float] = []
    for epoch, count in sorted(stand.open.items(), reverse=True):
        rung = next((place for place, end in enumerate(ends) if epoch < end), len(ends) - 1)
        lengths += [max(0.0, ends[rung] - epoch) + onward[rung]] * count
    lengths += [ends[0] - spared + (1.0 - share) * onward[0]] * stand.fresh
    if not limits.is_exact or not lengths:
        return lengths
    total, places = 0.0, stand.planned
    for start, end in zip([0, *ends], ends, strict=False):
        total += places * (end - start)
        places = count_places(places, limits.eta)
    left = max(total - stand.done - saved - stand.fresh * spared, float(stand.fresh))
    return [min(length * left / sum(lengths), limits.budget) for length in lengths] if sum(lengths) else lengths


def _expect_onward(stand: Stand, limits: Limits) -> list[float]:
    """Of a trial that reaches each rung, and the end, the epochs that are to be expected beyond it."""
    onward, end = [0.0], limits.budget
    for rung in reversed(limits.rungs):
        passed = sum(count for (_, epoch), count in stand.ended.items() if epoch > rung)
        passed += sum(count for epoch, count in stand.open.items() if epoch > rung)
        share = (passed + PRIOR / limits.eta) / (passed + stand.ended["stopped", rung] + PRIOR)
        onward.insert(0, share * (end - rung + onward[0]))
        end = rung
    return onward


def _broke_down(status: str, epoch: int, first: float) -> bool:
    """Whether a trial ended before anything judged it."""
    return epoch < first or (status in ("diverged", "failed") and epoch == first)


def estimate_seconds_left(
    stands: Mapping[str, Stand], lengths: Mapping[str, Sequence[float]], at_once: float, under_way: float = 0.0
) -> float | None:
    """Seconds to go, at as much training in a second as so far; None before the first epoch.

    Args:
        stands: by architecture.
        lengths: ``estimate_lengths`` of each.
        at_once: seconds of training in a second: how many trials advance at once.
        under_way: seconds that the epochs now in progress have taken so far, in all.
    """
    seconds, epochs = (sum(getattr(stand, name) for stand in stands.values()) for name in ("seconds", "epochs"))
    if not seconds or not epochs or at_once <= 0.0:
        return None
    unit = seconds / sum(stand.epochs * stand.weight for stand in stands.values())
    each = {
        name: stand.seconds / stand.epochs if stand.epochs else unit * stand.weight for name, stand in stands.items()
    }
    jobs = {name: [epochs * each[name] for epochs in lengths[name]] for name in stands}
    work = sum(map(sum, jobs.values()))
    left = max(0.0, work - under_way) / at_once
    if (slots := round(at_once)) < 2 or sum(map(len, jobs.values())) > FEW:
        return left
    return left + find_end(slots, jobs, stands) - work / slots


def find_end(slots: int, jobs: Mapping[str, Sequence[float]], stands: Mapping[str, Stand]) -> float:
    """When the last one ends, if each slot takes the next as soon as it is free: what has begun, then all in turn."""
    begun = {name: stand.open.total() for name, stand in stands.items()}
    free = [0.0] * slots
    first = [job for name in jobs for job in jobs[name][: begun[name]]]
    rest = [job for turn in zip_longest(*(jobs[name][begun[name] :] for name in jobs)) for job in turn if job]
    for job in [*first, *rest]:
        heapq.heapreplace(free, free[0] + job)
    return max(free)
