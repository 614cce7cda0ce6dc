"""Which hyperparameters went with which accuracy: parallel coordinates of every trial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.figures.figure import Axis, Drawing, Figure, Panel, Parallel
from analysis.records.schema import holds_words
from analysis.stats.breakdowns import make_levels

LOGARITHMIC = ("lr", "weight_decay")  # Also where they were searched over a list of values.


def draw(evidence: Evidence) -> Drawing | str:
    """Draws a panel for each candidate that was searched: its hyperparameters, then the accuracy."""
    panels = []
    for one in evidence.candidates:
        trials = one.sweep[one.sweep["val_accuracy"].notna()]
        if not len(trials):
            continue
        accuracy = 100.0 * trials["val_accuracy"].to_numpy(dtype=float)
        axes, values = zip(*(_make_axis(one, trials[name]) for name in one.hyperparameters), strict=True)
        last = Axis("validation accuracy (%)", low=0, high=100)
        mark = Parallel([*axes, last], [*values, accuracy], accuracy, last.label, list(trials["trial_id"]))
        panels.append(Panel(one.group, Axis(""), Axis(""), [mark]))
    caption = (
        "Each line is one configuration, coloured by its last validation accuracy; configurations that diverged "
        "have none and are left out. On the screen, drag along an axis to keep only the lines that pass there."
    )
    drawing = Drawing("parallel", "Parallel coordinates", caption, panels, 1, evidence.groups)
    return drawing if panels else evidence.unsearched


def _make_axis(one: Candidate, values: pd.Series) -> tuple[Axis, np.ndarray]:
    """The axis of one hyperparameter, with its values there: words and truth values are categories."""
    name = str(values.name)
    kind, domain = one.find_domain(name)
    if holds_words(values):
        levels = make_levels(values, domain).cat
        codes = levels.codes.to_numpy(dtype=float)
        return Axis(name, categories=tuple(levels.categories)), np.where(codes < 0, np.nan, codes)
    log = (kind == "loguniform" or name in LOGARITHMIC) and bool((values > 0).all())
    return Axis(name, log=log), values.to_numpy(dtype=float, na_value=np.nan)


PARALLEL = Figure("parallel", draw)
