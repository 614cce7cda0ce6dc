"""Where each seed ended: the spread behind every mean."""

from __future__ import annotations

import math

import numpy as np

from analysis.evidence import Evidence
from analysis.figures.figure import Axis, Drawing, Figure, Line, Mark, Panel, Points
from analysis.render.cells import format_finished
from analysis.tables.notes import describe_judged, name_unfinished

SPREAD = 0.16  # How far, in rows, the seeds of one architecture are spread, so that equal ones do not hide each other.


def draw(evidence: Evidence) -> Drawing | str:
    """Draws one row for each candidate: its seeds, its mean with the interval, the published mean and std."""
    ended = evidence.ended
    if not ended:
        return name_unfinished(evidence.candidates)
    marks: list[Mark] = []
    for row, one in enumerate(ended):
        accuracies = one.reruns.outcomes
        heights = row + SPREAD * np.linspace(-1, 1, len(accuracies)) if len(accuracies) > 1 else np.array([float(row)])
        seeds = one.reruns.trials.set_index("trial_id")["seed"].reindex(accuracies.index)
        texts = [f"seed {seed}" for seed in seeds]
        marks.append(Points(one.accuracies, heights, one.group, texts=texts, links=list(accuracies.index)))
        summary = one.reruns.summary
        text = f"mean of {format_finished(summary.n, one.reruns.asked)}"
        if not math.isnan(summary.low):
            marks.append(Line([summary.low, summary.high], [row + 0.3] * 2, one.group))
            text += f", 95 % CI {summary.low:.2f} to {summary.high:.2f}"
        marks.append(Points([summary.mean], [row + 0.3], one.group, texts=[text], emphasis=True))
        if published := one.published:
            ends = [published.mean - published.std, published.mean + published.std]
            marks.append(Line(ends, [row - 0.3] * 2, one.group, dashed=True))
            text = f"published mean, std {published.std:g}"
            marks.append(Points([published.mean], [row - 0.3], one.group, texts=[text], hollow=True))
    names = tuple(one.group for one in ended)
    caption = (
        f"{describe_judged(evidence)}. Small points: one seed each; below them, their mean with its 95 % "
        "interval; above them, as a ring, the published mean, if any, with one standard deviation to each side."
    )
    panel = Panel("", Axis("test accuracy (%)"), Axis("", categories=names, low=-0.6, high=len(names) - 0.4), marks)
    return Drawing("seeds", "Seeds", caption, [panel], 1, evidence.groups)


SEEDS = Figure("seeds", draw)
