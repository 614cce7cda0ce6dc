"""Learning rate against momentum: where each architecture trains at all, and where best."""

from __future__ import annotations

import numpy as np

from analysis.evidence import Candidate, Evidence
from analysis.figures.figure import Axis, Drawing, Figure, Heat, Panel
from analysis.stats.breakdowns import make_levels
from spaces.hyperparameters import NAMES

LOWEST = 0.1  # The share of cells in one colour: a few that learned nothing would leave no difference to the others.
UNIT = "best validation accuracy (%)"


def draw(evidence: Evidence) -> Drawing | str:
    """Draws a heat map for each candidate that was searched."""
    found = [(one, *cells) for one in evidence.candidates if (cells := _find_cells(one)) is not None]
    if not found:
        return evidence.unsearched
    reached = np.concatenate([z[np.isfinite(z)] for _, _, _, z in found])
    low, high = (float(np.quantile(reached, LOWEST)), float(reached.max())) if len(reached) else (0.0, 100.0)
    panels = []
    for one, rates, momenta, z in found:
        axes = Axis("learning rate", categories=rates), Axis("momentum", categories=momenta)
        panels.append(Panel(one.group, *axes, [Heat(z, UNIT, low, high)]))
    others = "weight decays and gains"
    if any(set(one.hyperparameters).difference(NAMES) for one, *_ in found):
        others = "values of the other hyperparameters"
    caption = (
        f"The best last validation accuracy among the configurations of each cell, over all {others}, "
        "including those that the scheduler stopped. Blank: all of them diverged, or none was tried. The lowest "
        "tenth of the cells shares one colour."
    )
    return Drawing("surface", "Learning rate and momentum", caption, panels, 2, evidence.groups)


def _find_cells(one: Candidate) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray] | None:
    """The levels of the two hyperparameters, and the best accuracy in percent of each cell, one row per momentum."""
    if not len(one.sweep):
        return None
    rates, momenta = make_levels(one.sweep["lr"]), make_levels(one.sweep["momentum"])
    alive = one.sweep["status"].isin(["completed", "stopped", "unfinished"])
    best = (100.0 * one.sweep["val_accuracy"].where(alive)).groupby([momenta, rates], observed=False).max().unstack()
    names = (tuple(str(name) for name in axis.cat.categories) for axis in (rates, momenta))
    return (*names, best.to_numpy(dtype=float))  # type: ignore[return-value]


SURFACE = Figure("surface", draw)
