"""Which hyperparameters went with which accuracy: parallel coordinates of every trial."""

from __future__ import annotations

from analysis.evidence import Evidence
from analysis.figures.figure import Axis, Drawing, Figure, Panel, Parallel
from spaces.hyperparameters import NAMES

LOGARITHMIC = ("lr", "weight_decay")


def draw(evidence: Evidence) -> Drawing | str:
    """Draws a panel for each candidate that was searched: lr, momentum, weight decay, gain, accuracy."""
    panels = []
    for one in evidence.candidates:
        trials = one.sweep[one.sweep["val_accuracy"].notna()]
        if not len(trials):
            continue
        accuracy = 100.0 * trials["val_accuracy"].to_numpy(dtype=float)
        values = [trials[name].to_numpy(dtype=float) for name in NAMES]
        axes = [Axis(name, log=name in LOGARITHMIC and bool((trials[name] > 0).all())) for name in NAMES]
        last = Axis("validation accuracy (%)", low=0, high=100)
        mark = Parallel([*axes, last], [*values, accuracy], accuracy, last.label, list(trials["trial_id"]))
        panels.append(Panel(one.group, Axis(""), Axis(""), [mark]))
    caption = (
        "Each line is one configuration, coloured by its last validation accuracy; configurations that diverged at "
        "once have none and are left out. On the screen, drag along an axis to keep only the lines that pass there."
    )
    drawing = Drawing("parallel", "Parallel coordinates", caption, panels, 1, evidence.groups)
    return drawing if panels else evidence.unsearched


PARALLEL = Figure("parallel", draw)
