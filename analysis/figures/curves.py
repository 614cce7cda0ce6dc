"""Learning curves of the sweep, where its scheduler judged, and of the reruns."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.figures.figure import FEW, Axis, Drawing, Figure, Line, Mark, Panel
from spaces.specs.halving import list_ladder
from spaces.specs.protocol import WITH_RUNGS

RULES = {
    "asha": "ASHA stops a trial unless it is among the top 1/(reduction factor) of those that have got there so far",
    "halving": "halving stops a trial unless it is among the top 1/(reduction factor) of all configurations, counting "
    "those that broke down before",
}


def join_curves(rows: pd.DataFrame, measure: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """All curves of some trials as one with a NaN after each: epochs, a column in percent, and the trial of each."""
    ordered = rows.sort_values(["trial_id", "epoch"], kind="stable")
    trials = ordered["trial_id"].to_numpy(dtype=object)
    ends = np.flatnonzero(trials[1:] != trials[:-1]) + 1
    x = np.insert(ordered["epoch"].to_numpy(dtype=float), ends, np.nan)
    y = np.insert(100.0 * ordered[measure].to_numpy(dtype=float), ends, np.nan)
    return x, y, list(np.insert(trials, ends, ""))


def list_rungs(candidate: Candidate) -> list[tuple[float, str]]:
    """Where the scheduler judged, as vertical lines."""
    spec = candidate.run.spec
    if spec["scheduler"] not in WITH_RUNGS:
        return []
    epochs = list_ladder(spec["grace_period"], spec["max_epochs"], spec["reduction_factor"])
    return [(float(epoch), f"rung {number}") for number, epoch in enumerate(epochs)]


def find_focus(evidence: Evidence) -> float | None:
    """Where curves matter: from the lowest quartile of any network's trained configurations on, in whole percent."""
    found = []
    for one in evidence.candidates:
        trained = one.sweep.loc[one.sweep["status"] == "completed", "trial_id"]
        reached = one.epochs.loc[one.epochs["trial_id"].isin(trained), "val_accuracy"].dropna()
        found += [100.0 * float(reached.quantile(0.25))] if len(reached) else []
    return math.floor(min(found)) if found else None


def _plot_sweeps(evidence: Evidence) -> Drawing | str:
    panels, focus = [], find_focus(evidence)
    for one in evidence.candidates:
        rows = one.epochs[one.epochs["phase"] == "sweep"]
        if not len(rows):
            continue
        x, y, links = join_curves(rows, "val_accuracy")
        marks: list[Mark] = [Line(x, y, one.group, thin=True, links=links)]
        if one.incumbent is not None and one.incumbent["trial_id"] is not None:
            x, y, links = join_curves(rows[rows["trial_id"] == one.incumbent["trial_id"]], "val_accuracy")
            marks.append(Line(x, y, one.group, label=f"{one.group}: incumbent", links=links))
        axes = Axis("epoch", low=1, whole=True), Axis("validation accuracy (%)", low=0, high=100, focus=focus)
        panels.append(Panel(one.group, *axes, marks, list_rungs(one)))
    schedulers = {one.run.spec["scheduler"] for one in evidence.candidates} & RULES.keys()
    rules = " or ".join(RULES[name] for name in sorted(schedulers))
    caption = "Validation accuracy of every configuration (thin) and of the incumbent (thick)."
    if any(panel.rungs for panel in panels):
        caption += f" Vertical lines: the rungs, where {rules}."
    if focus:
        caption += f" What lies below {focus} % is cut off; on the screen a button shows it."
    title = "Learning curves of the sweep"
    return Drawing("sweep-curves", title, caption, panels, 2, evidence.groups) if panels else evidence.unsearched


def _plot_reruns(evidence: Evidence) -> Drawing | str:
    found: dict[str, list[Line]] = {}
    for one in evidence.candidates:
        rows = one.epochs[one.epochs["trial_id"].isin(one.reruns.trials["trial_id"])].dropna(subset="test_accuracy")
        if not len(rows):
            continue
        x, y, links = join_curves(rows, "test_accuracy")
        marks = [Line(x, y, one.group, thin=True, links=links)]
        every = rows.groupby("epoch")["test_accuracy"]
        mean = 100.0 * every.mean()[every.count() == len(one.reruns.trials)]  # Only where all seeds got that far.
        marks.append(Line(mean.index.to_numpy(dtype=float), mean.to_numpy(), one.group, label=one.group))
        found[one.group] = marks
    if not found:
        return "No rerun has begun yet; invsearch rerun starts them."
    title = "Learning curves of the reruns"
    caption = (
        "Test accuracy of the reruns: every seed (thin), and their mean (thick) up to the last epoch that all reached."
    )
    values = np.concatenate([np.asarray(mark.y, float) for marks in found.values() for mark in marks])
    low, high = np.nanquantile(values, 0.05), np.nanmax(values)
    axes = Axis("epoch", low=1, whole=True), Axis("test accuracy (%)")
    if len(found) <= FEW:  # More would hide one another.
        panels = [Panel("", *axes, [mark for marks in found.values() for mark in marks])]
        return Drawing("rerun-curves", title, caption, panels, 1, evidence.groups)
    same = Axis("test accuracy (%)", low=0, high=high + (high - low) / 20, focus=float(low))
    panels = [Panel(group, axes[0], same, marks) for group, marks in found.items()]
    return Drawing("rerun-curves", title, f"{caption} The lowest 5 % are cut off.", panels, 2, evidence.groups)


SWEEP_CURVES = Figure("sweep-curves", _plot_sweeps)
RERUN_CURVES = Figure("rerun-curves", _plot_reruns)
