"""What mattered: shares of the variance of validation accuracy."""

from __future__ import annotations

from analysis.evidence import Evidence
from analysis.figures.figure import Axis, Bars, Drawing, Figure, Panel
from analysis.stats.importance import measure_importance


def draw(evidence: Evidence) -> Drawing | str:
    """Draws the share of each hyperparameter and each pair, a panel for each candidate."""
    panels = []
    for one in evidence.candidates:
        found = measure_importance(one).effects.dropna(subset="share")
        if not len(found):
            continue
        found = found.sort_values("share", ascending=False, kind="stable")
        names = found["term"].str.replace(":", " x ") + found["matters"].map({True: " *", False: ""})
        bars = Bars(100.0 * found["share"].to_numpy(dtype=float), one.group)
        axes = Axis("share of the variance (%)", low=0, high=100), Axis("", categories=tuple(names))
        panels.append(Panel(one.group, *axes, [bars]))
    caption = (
        "The share of the variance of validation accuracy, at the end of the grace period, that each hyperparameter "
        "explains, and each pair beyond its two members; over the part of the grid where nothing broke down. "
        "*: significant at 5 %, Holm-corrected."
    )
    nothing = "Shares need a grid that was tried in full; the importance table has the tests."
    return Drawing("importance", "What mattered", caption, panels, 2, evidence.groups) if panels else nothing


IMPORTANCE = Figure("importance", draw)
