"""A collapsed trial: it did not diverge, and yet learned next to nothing."""

from __future__ import annotations

import pandas as pd

from analysis.records import Run

SHARE = 0.5


def collapse_levels(run: Run) -> pd.Series:
    """The validation accuracy below which a trial counts as collapsed, by epoch.

    Returns:
        Half of the best that any trial of the run's sweep had after that epoch, a fraction.
    """
    sweep = run.trials.loc[run.trials["phase"] == "sweep", "trial_id"]
    return SHARE * run.epochs[run.epochs["trial_id"].isin(sweep)].groupby("epoch")["val_accuracy"].max()


def collapsed(run: Run, sweep: pd.DataFrame) -> pd.Series:
    """Which of a sweep's trials ended below the level of their last epoch; diverged and failed ones are none."""
    level = sweep["epoch"].map(collapse_levels(run)).astype(float)
    return sweep["status"].isin(["completed", "stopped"]) & (sweep["val_accuracy"] < level)
