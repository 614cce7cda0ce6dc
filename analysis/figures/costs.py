"""Accuracy against what the network costs, with the Pareto front."""

from __future__ import annotations

import itertools
import math

import pandas as pd

from analysis.evidence import Evidence
from analysis.figures.figure import Axis, Drawing, Figure, Line, Mark, Panel, Points
from analysis.records.schema import make_records

AXES = {"params": "learned weights of the compared layers", "mults": "multiplies per image, transform included"}
FRONT = "Pareto front"


def draw(evidence: Evidence) -> Drawing | str:
    """Draws mean test accuracy against weights, and against multiplies, for each data set."""
    found = [
        {"group": one.group, "data": data, "params": cost.params, "mults": cost.mults + cost.transform}
        | {"lost": one.reruns.lost, "whole": one.includes_classifier}
        | one.reruns.summary._asdict()
        for data, several in evidence.by_data.items()
        for one in several
        if one.reruns.ended and (cost := one.cost) is not None
    ]
    if not found:
        return "No architecture has both finished reruns and counted costs."
    points, panels = pd.DataFrame(found), []
    for (data, mine), (field, label) in itertools.product(points.groupby("data", sort=False), AXES.items()):
        best, costs = find_front(mine[(mine["lost"] == 0) & ~mine["whole"]], field), mine[field]
        marks: list[Mark] = []
        if len(best):
            marks.append(Line(best[field].tolist(), best["mean"].tolist(), FRONT, label=FRONT, step=True, dashed=True))
        for row in make_records(mine):
            ends = {} if math.isnan(row["low"]) else {"low": [row["low"]], "high": [row["high"]]}
            named = {"texts": [row["group"]], "named": True}
            marks.append(Points([row[field]], [row["mean"]], row["group"], **ends, **named, emphasis=True))
        wide = costs.max() > 10 * costs.min() > 0  # More than a decade, so that a logarithmic axis has marks to show.
        title = str(data) if points["data"].nunique() > 1 else ""
        panels.append(Panel(title, Axis(label, log=bool(wide)), Axis("test accuracy (%)"), marks))
    caption = (
        "Mean test accuracy of the reruns, with its 95 % interval, against cost. Dashed: the Pareto front; a network "
        "below it is beaten by one that costs no more."
    )
    if len(selected := points.loc[points["lost"] > 0, "group"]):
        caption += f" Left out of the front, since some of their seeds were lost: {', '.join(selected)}."
    if len(whole := points.loc[points["whole"], "group"]):
        caption += f" Left out of the front, since only their cost includes the classifier: {', '.join(whole)}."
    return Drawing("costs", "Cost and accuracy", caption, panels, 2, (*evidence.groups, FRONT))


def find_front(points: pd.DataFrame, field: str) -> pd.DataFrame:
    """The points that no other beats in ``mean``: cheapest first, each better than all cheaper ones."""
    ordered = points.sort_values([field, "mean"], ascending=[True, False], kind="stable")
    return ordered[ordered["mean"] > ordered["mean"].cummax().shift(fill_value=-math.inf)]


COSTS = Figure("costs", draw)
