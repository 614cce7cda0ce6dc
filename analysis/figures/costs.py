"""Accuracy against what the network costs, with the Pareto front."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from analysis.evidence import Evidence
from analysis.figures.figure import Axis, Drawing, Figure, Line, Mark, Panel, Points
from analysis.stats.samples import summarise

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
        for summary in [summarise(one.accuracies)]
    ]
    if not points:
        return "No architecture has both finished reruns and counted costs."
    panels = []
    for field, label in AXES.items():
        best = front([point for point in points if not point.lost], field)
        x = [getattr(point, field) for point in best]
        marks: list[Mark] = [Line(x, [point.mean for point in best], FRONT, FRONT, step=True, dashed=True)] if x else []
        for point in points:
            where, low, high = [getattr(point, field)], _known(point.low), _known(point.high)
            name = [point.group]
            marks.append(Points(where, [point.mean], point.group, "", low, high, name, emphasis=True, named=True))
        panels.append(
            Panel(
                "",
                Axis(label, log=_wide([getattr(point, field) for point in points])),
                Axis("test accuracy (%)"),
                marks,
            )
        )
    caption = (
        "Mean test accuracy of the reruns, with its 95 % interval, against cost. Dashed: the Pareto front; who lies "
        "below it is beaten by a network that costs no more."
    )
    if selected := [point.group for point in points if point.lost]:
        caption += f" Not on it, since seeds were lost and the mean is of those that are left: {', '.join(selected)}."
    return Drawing("costs", "Cost and accuracy", caption, panels, 2, (*evidence.groups, FRONT))


def front(points: list[Point], field: str) -> list[Point]:
    """Those that no other beats: cheapest first, each better than all cheaper ones."""
    frame = pd.DataFrame(points, columns=list(Point._fields)).sort_values(
        [field, "mean"], ascending=[True, False], kind="stable"
    )
    kept = frame["mean"] > frame["mean"].cummax().shift(fill_value=float("-inf"))
    return [points[int(place)] for place in frame.index[kept]]


def _wide(costs: list[int]) -> bool:
    """Whether costs span more than a decade, so that a logarithmic axis has marks to show."""
    return max(costs) > 10 * min(costs) > 0


def _known(value: float) -> list[float] | None:
    return None if value != value else [value]


COSTS = Figure("costs", draw)
