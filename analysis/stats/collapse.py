"""A collapsed trial: it did not diverge, and yet learned next to nothing."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.records.reader import Run

SHARE = 0.5


def find_collapse_level(best: float, classes: int | None) -> float:
    """The accuracy below which a training counts as collapsed, where the best of its kind reached ``best``.

    Half of that; where guessing reaches it, as with two classes, halfway from guessing to the best.
    """
    guessed = 1 / classes if classes else 0.0  # Runs from before it was recorded: on ten classes or more, or unknown.
    return SHARE * best if SHARE * best > guessed else guessed + SHARE * (best - guessed)


def find_collapse_levels(run: Run) -> pd.Series:
    """The validation accuracy below which a trial counts as collapsed, by epoch.

    It is made of the best that any trial of the run's sweep had after that epoch, a fraction.
    """
    sweep = run.trials.loc[run.trials["phase"] == "sweep", "trial_id"]
    best = run.epochs[run.epochs["trial_id"].isin(sweep)].groupby("epoch")["val_accuracy"].max()
    return best.map(partial(find_collapse_level, classes=run.spec.get("classes")))


def find_collapsed(run: Run, sweep: pd.DataFrame) -> pd.Series:
    """Which of a sweep's trials ended below the level of their last epoch; diverged and failed ones are none."""
    level = sweep["epoch"].map(find_collapse_levels(run)).astype(float)
    return sweep["status"].isin(["completed", "stopped"]) & (sweep["val_accuracy"] < level)
