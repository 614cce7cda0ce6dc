"""The race of finalists: the pure rule, a function of what each of them scored on each seed and of nothing else.

The configurations that a sweep found best are trained on further seeds, 1, then 1, 2, 4, .. more. After each stage the
better half stays, by the mean over all seeds of the race, until one is left. So most seeds go to those that are hard to
tell apart. The seed of the sweep, on which they were selected, does not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.judging import judge_epochs


class Score(NamedTuple):
    """What a configuration reached on one seed.

    Attributes:
        accuracy: on held-out images, a fraction; that of guessing where it diverged. NaN where it failed, which says
            nothing of the configuration: the means are over its other seeds.
        loss: mean cross entropy after the last epoch; infinite where it diverged.
    """

    accuracy: float
    loss: float


MISSED = Score(math.nan, math.nan)
"""Of a seed that failed."""
Scores = Mapping[tuple[str, int], Score]
"""(configuration, place of the seed among the race's, 0 for the first) -> its score."""


class Stage(NamedTuple):
    """Some finalists on as many seeds.

    Attributes:
        field: who runs in it; once all of it is on record, the best first.
        seeds: how many each of them has had after it, those of earlier stages included.
    """

    field: tuple[str, ...]
    seeds: int


@dataclass(frozen=True)
class Race:
    """A race, as far as it has come.

    Attributes:
        stages: those that have begun or can begin, the last perhaps not finished.
        missing: what has to be trained before the next decision: (configuration, place of the seed).
        winner: the one that was left, once it has had all seeds; None until then, and where all of its seeds failed.
        leader: who was ahead after the last finished stage, the first finalist before that; None without finalists.
        planned: how many trainings the race takes in all.
    """

    stages: tuple[Stage, ...]
    missing: tuple[tuple[str, int], ...]
    winner: str | None
    leader: str | None
    planned: int

    @property
    def trained(self) -> set[tuple[str, int]]:
        """All that the stages so far ask for, less what is missing."""
        asked = {(name, place) for stage in self.stages for name in stage.field for place in range(stage.seeds)}
        return asked.difference(self.missing)

    def list_out(self) -> dict[str, int]:
        """Every finalist and how many seeds decided of it: the winner first, then the others by how far they came."""
        ranked = [(name, stage.seeds) for stage in reversed(self.stages) for name in stage.field]
        return {name: max(seeds for other, seeds in ranked if other == name) for name, _ in ranked}


def list_stages(finalists: int, seeds: int) -> list[tuple[int, int]]:
    """The stages of a race: how many run in each, and how many seeds each of them has had after it.

    The last has one, which gets all the seeds, so that its mean says how good it is. Where the seeds are used up
    before, the best of those that are left is that one.

    >>> list_stages(16, 8)
    [(16, 1), (8, 2), (4, 4), (2, 8), (1, 8)]
    >>> list_stages(5, 8), list_stages(9, 2)
    ([(5, 1), (3, 2), (2, 4), (1, 8)], [(9, 1), (5, 2), (1, 2)])
    """
    stages, field, given = [], finalists, 1
    while field > 1:
        stages.append((field, min(given, seeds)))
        field = math.ceil(field / 2) if given < seeds else 1
        given *= 2
    return [*stages, (1, seeds)] if finalists else []


def count_trainings(finalists: int, seeds: int) -> int:
    """How many trainings a race takes, whatever comes out.

    >>> count_trainings(16, 8)
    40
    """
    had, total = 0, 0
    for field, given in list_stages(finalists, seeds):
        total, had = total + field * (given - had), given
    return total


def decide_race(finalists: Sequence[str], seeds: int, scores: Scores) -> Race:
    """Decides a race as far as the scores go.

    Args:
        finalists: configurations, the best of the sweep first; which is which matters only while nothing has run.
        seeds: the most that one of them gets.
        scores: what is on record, perhaps also of others.
    """
    planned, field = count_trainings(len(finalists), seeds), tuple(finalists)
    stages: list[Stage] = []
    for count, given in list_stages(len(finalists), seeds):
        field = field[:count]
        missing = [(name, place) for place in range(given) for name in field if (name, place) not in scores]
        if missing:
            return Race((*stages, Stage(field, given)), tuple(missing), None, field[0], planned)
        field = rank_by_mean(field, given, scores)
        stages.append(Stage(field, given))
    leader = field[0] if field else None
    known = any(not math.isnan(scores[name, place].accuracy) for name in field[:1] for place in range(seeds))
    return Race(tuple(stages), (), leader if known else None, leader, planned)


def rank_by_mean(field: Sequence[str], seeds: int, scores: Scores) -> tuple[str, ...]:
    """The best first, by mean accuracy over the first seeds; ties by lower mean loss, then by name."""

    def order(name: str) -> tuple[float, float, str]:
        mean = average([scores[name, place] for place in range(seeds)])
        return -round(mean.accuracy, 12), mean.loss, name  # Of equal counts of images the fractions round apart.

    return tuple(sorted(field, key=order))


def average(scores: Sequence[Score]) -> Score:
    """The means over the seeds that did not fail; the worst there is where all did.

    ``fsum``, so that they do not depend on the order of the seeds.
    """
    known = [score for score in scores if not math.isnan(score.accuracy)]
    if not known:
        return Score(-math.inf, math.inf)
    accuracies, losses = zip(*known, strict=True)
    return Score(math.fsum(accuracies) / len(known), math.fsum(losses) / len(known))


def score_trial(status: str, accuracies: Sequence[float], losses: Sequence[float], judge: str, chance: float) -> Score:
    """What a trial that has ended scores.

    Args:
        status: its own; one that diverged counts as guessing.
        accuracies: on held-out images after each epoch.
        losses: the same.
        judge: see ``judge_epochs``.
        chance: what guessing reaches.
    """
    if status == "diverged":
        return Score(chance, math.inf)
    return MISSED if status == "failed" else Score(judge_epochs(accuracies, judge), losses[-1])
