"""Accuracy against what the network costs, with the Pareto front."""

from __future__ import annotations

import math
from typing import NamedTuple

from analysis.evidence import Evidence
from analysis.figures.figure import Axis, Drawing, Figure, Line, Mark, Panel, Points
from analysis.stats.samples import summarize

AXES = {"params": "learned weights of the compared layers", "mults": "multiplies per image, transform included"}
FRONT = "Pareto front"


class Point(NamedTuple):
    """One network: what it costs, how good it is (mean and interval in percent), and how many seeds it lost."""

    group: str
    params: int
    mults: int
    mean: float
    low: float
    high: float
    lost: int = 0


def draw(evidence: Evidence) -> Drawing | str:
    """Draws mean test accuracy against weights, and against multiplies."""
    points = [
        Point(
            one.group,
            cost.params,
            cost.mults + cost.transform,
            *(summary.mean, summary.low, summary.high),
            one.reruns.lost,
        )
        for one in evidence.finished
        if (cost := one.cost) is not None
        for summary in [summarize(one.accuracies)]
    ]
    if not points:
        return "No architecture has both finished reruns and counted costs."
    panels = []
    for field, label in AXES.items():
        best = find_front([point for point in points if not point.lost], field)
        x, y = [getattr(point, field) for point in best], [point.mean for point in best]
        marks: list[Mark] = [Line(x, y, FRONT, label=FRONT, step=True, dashed=True)] if x else []
        costs = [getattr(point, field) for point in points]
        for point, cost in zip(points, costs, strict=True):
            ends = {} if math.isnan(point.low) else {"low": [point.low], "high": [point.high]}
            named = {"texts": [point.group], "named": True}
            marks.append(Points([cost], [point.mean], point.group, **ends, **named, emphasis=True))
        wide = max(costs) > 10 * min(costs) > 0  # More than a decade, so that a logarithmic axis has marks to show.
        panels.append(Panel("", Axis(label, log=wide), Axis("test accuracy (%)"), marks))
    caption = (
        "Mean test accuracy of the reruns, with its 95 % interval, against cost. Dashed: the Pareto front; a network "
        "below it is beaten by one that costs no more."
    )
    if selected := [point.group for point in points if point.lost]:
        caption += f" Left out of the front, since some of their seeds were lost: {', '.join(selected)}."
    return Drawing("costs", "Cost and accuracy", caption, panels, 2, (*evidence.groups, FRONT))


def find_front(points: list[Point], field: str) -> list[Point]:
    """The points that no other beats: cheapest first, each better than all cheaper ones."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda point: (getattr(point, field), -point.mean)):
        if not kept or point.mean > kept[-1].mean:
            kept.append(point)
    return kept


COSTS = Figure("costs", draw)
