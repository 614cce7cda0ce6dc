"""Synchronous successive halving: who goes on past each rung, as a function of the records alone.

All configurations of an architecture are trained to the first rung; the best 1/eta go on to the next, and so on. This
is the inner loop of Hyperband (Li et al. 2018, algorithm 1) and comes from Karnin et al. (2013). How many go on follows
from how many were asked for (256 at eta 4: 64, then 16), whether or not some diverge. So whether one goes on is certain
as soon as those that are yet to come cannot change it, and is decided then: whoever comes when, all are decided alike,
and hardly a worker waits for the last one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from spaces.common.errors import UserError
from spaces.specs.protocol import ENDED_BY_ITSELF, JUDGED_ON


class Standing(NamedTuple):
    """What a configuration is judged by at a rung.

    Attributes:
        accuracy: on held-out images, a fraction; None where it diverged or failed before, or at, the rung.
        loss: on the same images; decides between equal accuracies.
    """

    accuracy: float | None
    loss: float = math.inf


LOST = Standing(None)


class Course(NamedTuple):
    """How far a configuration has come.

    Attributes:
        standings: at each rung that it has reached, the first one first; ``LOST`` at all rungs that it never will.
        passed: rungs that it was trained beyond. Whoever was, stays, whoever else has come since.
    """

    standings: Sequence[Standing] = ()
    passed: int = 0


@dataclass(frozen=True)
class Judgement:
    """What is certain about an architecture's configurations.

    Attributes:
        passed: by configuration, how many rungs it may be trained beyond.
        stopped: those that go no further than the rung that they have reached.
    """

    passed: Mapping[str, int]
    stopped: frozenset[str]


def list_ladder(grace_period: int, max_epochs: int, reduction_factor: float) -> list[int]:
    """The rungs of ASHA and halving: grace period x reduction factor^k, below the maximum, in whole epochs.

    Ray judges a trial at the first epoch that is not below a rung, so a rung that is no whole number
    stands for the epoch after it.

    Raises:
        UserError: the factor is so small that two rungs fall on one epoch.
    """
    epochs: list[int] = []
    while (rung := math.ceil(grace_period * reduction_factor ** len(epochs))) < max_epochs:
        if rung in epochs:
            raise UserError(
                f"reduction-factor: {reduction_factor:g} puts two rungs on epoch {rung}; give a larger one, "
                "such as 2 or more, or a longer --grace-period"
            )
        epochs.append(rung)
    return epochs


def count_places(count: int, eta: float) -> int:
    """How many of so many go on: 1/eta of them rounded down, at least one.

    >>> [count_places(count, 4) for count in (256, 64, 7, 2)]
    [64, 16, 1, 1]
    >>> count_places(110, 1.1)
    100
    """
    return max(1, int(count / eta + 1e-9))  # 110 / 1.1 is 100, which floats miss.


def rank(standings: Mapping[str, Standing]) -> list[str]:
    """Those at a rung, the best first: by accuracy, ties by lower loss, then by config id; the lost ones come last."""

    def key(name: str) -> tuple[bool, float, float, str]:
        accuracy, loss = standings[name]
        return (True, 0.0, 0.0, name) if accuracy is None else (False, -accuracy, loss, name)

    return sorted(standings, key=key)


def judge(courses: Mapping[str, Course], rungs: int, eta: float) -> Judgement:
    """What is certain by now, from the first rung up.

    A configuration goes on if even the best that may yet come would leave it a place, and is stopped if so many as
    there are places are better. Where nothing is yet to come all are one or the other.

    Args:
        courses: of all of an architecture's configurations, also those that have not begun, by config id.
        rungs: how many there are.
        eta: one in so many goes on.
    """
    passed, stopped = dict.fromkeys(courses, 0), set[str]()
    members, coming, places = [*courses], 0, len(courses)
    for rung in range(rungs):
        places = count_places(places, eta)
        there = {name: courses[name].standings[rung] for name in members if len(courses[name].standings) > rung}
        unknown = coming + len(members) - len(there)
        ranked = rank(there)
        sure = ranked[: max(0, places - unknown)]
        on = {name for name in sure if there[name].accuracy is not None}
        on |= {name for name in there if courses[name].passed > rung}
        stopped.update(name for name in ranked[places:] if there[name].accuracy is not None and name not in on)
        passed.update(dict.fromkeys(on, rung + 1))
        members, coming = [*on], places - len(sure) if unknown else 0
    return Judgement(passed, frozenset(stopped))


def make_course(rows: Sequence[Mapping[str, Any]], status: str, rungs: Sequence[int]) -> Course:
    """How far a trial of a sweep has come, by its record.

    Args:
        rows: one for each epoch, with ``val_accuracy`` and ``val_loss``.
        status: that of the record, or of the outcome.
        rungs: their epochs.
    """
    whole = len(rows) - (status == "diverged")  # The last epoch of such a trial has no weights to go on with.
    standings = [_read_standing(rows[rung - 1]) for rung in rungs if rung <= whole]
    if status in ENDED_BY_ITSELF:
        standings += [LOST] * (len(rungs) - len(standings))
    return Course(standings, sum(rung < len(rows) for rung in rungs))


def _read_standing(row: Mapping[str, Any]) -> Standing:
    accuracy, loss = (row.get(f"{JUDGED_ON['sweep']}_{measure}") for measure in ("accuracy", "loss"))
    return Standing(accuracy, math.inf if loss is None else loss)
