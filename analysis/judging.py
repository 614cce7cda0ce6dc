"""What decides: a trial's accuracy as a run's judge sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from analysis.records.reader import Run
from spaces.specs.protocol import BOTH, JUDGES

LAST = 5
"""Epochs at the end of a training that the judge ``last5`` averages, and over which a conclusion should hold."""
PHRASES = {
    "final": "after the last epoch",
    "last5": f"averaged over the last {LAST} epochs",
    BOTH: f"(the mean of the last epoch and of the last {LAST})",
}


def find_judge(run: Run) -> str:
    """The judge of a run's sweep and tables, one of ``protocol.JUDGES``; the chapter's where it names none."""
    judge = run.spec.get("judge")
    return judge if judge in JUDGES else JUDGES[0]


def find_race_judge(run: Run) -> str:
    """By what a run's race goes: one of ``protocol.JUDGES``, or ``protocol.BOTH``."""
    return run.spec.get("judge") or JUDGES[0]


def explain_judge(runs: Sequence[Run], judge: str) -> list[str]:
    """A sentence on the judge of all reruns where the runs name different ones."""
    if len({find_judge(run) for run in runs}) < 2:
        return []
    return [f"These runs have different judges; every rerun counts with its accuracy {PHRASES[judge]}."]


def find_chance(run: Run) -> float:
    """What guessing reaches; 0 in runs from before the number of classes was recorded."""
    return 1.0 / run.spec["classes"] if run.spec.get("classes") else 0.0


def judge_epochs(accuracies: Sequence[float], judge: str) -> float:
    """A trial's accuracy by a judge, from those after each epoch; NaN where there are none.

    >>> judge_epochs([0.1, 0.5, 0.5, 0.6, 0.7, 0.2], "final"), judge_epochs([0.1, 0.5, 0.5, 0.6, 0.7, 0.2], "last5")
    (0.2, 0.5)
    >>> judge_epochs([0.1, 0.5, 0.5, 0.6, 0.7, 0.2], "both")
    0.35
    """
    if judge == BOTH:
        return math.fsum(judge_epochs(accuracies, each) for each in JUDGES) / 2
    chosen = accuracies[-LAST:] if judge == "last5" else accuracies[-1:]
    return math.fsum(chosen) / len(chosen) if len(chosen) else math.nan


def judge_trials(run: Run, measure: str, judge: str) -> pd.Series:
    """Every trial's accuracy by a judge, a fraction, indexed by trial id.

    Args:
        run: the run.
        measure: ``val_accuracy`` or ``test_accuracy``.
        judge: one of ``protocol.JUDGES``.

    Returns:
        That of the recorded epochs, also of a trial that has not ended; NaN where its last epoch has none.
    """
    final = run.trials.set_index("trial_id")[measure]
    if judge == "final":
        return final
    last: pd.DataFrame = run.epochs.groupby("trial_id").tail(LAST)
    found: pd.Series = last.groupby("trial_id")[measure].mean()  # pyright: ignore[reportAssignmentType]
    return found.reindex(final.index).where(final.notna())
