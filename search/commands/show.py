"""``invsearch show``: one trial, epoch by epoch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from search.commands import option_types, options
from spaces import UserError
from spaces.common.errors import quote
from spaces.common.wording import format_command

NAME = "show"
HELP = "show one trial: its configuration, its epochs and, if it failed, why"
EXAMPLE = "invsearch show runs/first conv-1a2b3c4d5e"
LISTED = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("run", type=option_types.parse_folder, metavar="RUN", help="run folder")
    add("trial", metavar="TRIAL", help="trial id, or its beginning")


def run(args: argparse.Namespace) -> int:
    """Prints the trial."""
    from analysis.records.reader import read_run
    from spaces.specs.records import read_record

    found = read_run(args.run)
    damaged = options.name_damaged(found)
    name = select_matching(list(found.trials["trial_id"]), args.trial, args.run)
    trial = found.trials.set_index("trial_id", drop=False).loc[name].dropna()
    trial = {str(field): value for field, value in trial.items()}
    error = str(trial.pop("error", ""))
    width = max(map(len, trial))
    for field, value in trial.items():
        print(f"{field:{width}}  {format(value, 'g') if isinstance(value, float) else value}")
    epochs = found.epochs[found.epochs["trial_id"] == name]
    if len(epochs):
        print()
        print(
            epochs.drop(columns=["trial_id", "time", "made_by"])
            .dropna(axis="columns", how="all")
            .to_string(index=False)
        )
    record = read_record(Path(args.run) / "trials" / name)
    assert record is not None
    for number, maker in enumerate(record.makers):
        epochs = [row["epoch"] for row in record.rows if row["maker"] == number]
        by = ", ".join(f"{key} {value}" for key, value in maker.items())
        if epochs:
            print(f"\nepochs {epochs[0]} to {epochs[-1]} made by {by}")
    for note in record.notes:
        print(f"note: {note}")
    if error:
        print(f"\n{error.rstrip()}")
    return damaged


def select_matching(ids: Sequence[str], start: str, run: str) -> str:
    """The one trial id that is ``start`` or begins with it.

    Raises:
        UserError: none, or several.
    """
    found = [start] if start in ids else [name for name in ids if name.startswith(start)]
    if len(found) == 1:
        return found[0]
    if not found:
        see = format_command("invsearch", "status", Path(run))
        raise UserError(f"trial: no trial of {run} begins with {quote(start)}; see {see}")
    some = ", ".join(found[:LISTED])
    raise UserError(f"trial: {quote(start)} is the beginning of {len(found)} trials ({some}, ..); give more of the id")
