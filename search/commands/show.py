"""``invsearch show``: one trial, epoch by epoch."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from spaces import UserError

if TYPE_CHECKING:
    import pandas as pd

NAME = "show"
HELP = "show one trial: its configuration, its epochs and, if it failed, why"
EXAMPLE = "invsearch show runs/first conv-1a2b3c4d5e"
LISTED = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("run", metavar="RUN", help="run folder")
    parser.add_argument("trial", metavar="TRIAL", help="trial id, or its beginning")


def run(args: argparse.Namespace) -> int:
    """Prints the trial."""
    from analysis.records import read_run

    found = read_run(args.run)
    trial = matching(found.trials, args.trial, args.run)
    fields = trial.drop("error").dropna()
    width = max(map(len, fields.index))
    for name, value in fields.items():
        print(f"{name:{width}}  {format(value, 'g') if isinstance(value, float) else value}")
    epochs = found.epochs[found.epochs["trial_id"] == trial["trial_id"]]
    if len(epochs):
        print()
        print(epochs.drop(columns=["trial_id", "time"]).dropna(axis="columns", how="all").to_string(index=False))
    if isinstance(trial["error"], str):
        print(f"\n{trial['error'].rstrip()}")
    return 0


def matching(trials: pd.DataFrame, start: str, run: str) -> pd.Series:
    """The one trial whose id begins with ``start``.

    Raises:
        UserError: none, or several.
    """
    ids = trials["trial_id"]
    found = trials[ids == start] if (ids == start).any() else trials[ids.str.startswith(start)]
    if len(found) == 1:
        return found.iloc[0]
    if found.empty:
        raise UserError(f"trial: no trial of {run} begins with {start!r}; see invsearch status {run}")
    some = ", ".join(found["trial_id"].head(LISTED))
    raise UserError(f"trial: {start!r} is the beginning of {len(found)} trials ({some}, ..); give more of the id")
