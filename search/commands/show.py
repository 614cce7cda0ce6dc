"""``invsearch show``: one trial, epoch by epoch."""

from __future__ import annotations

import argparse
import textwrap

from search import options
from search.option_types import RUN, option
from spaces import UserError
from spaces.common.errors import quote
from spaces.common.wording import format_command, format_percent

HELP = "show one trial: its configuration, its epochs and, if it failed, why"
EXAMPLE = "invsearch show runs/first conv-1a2b3c4d5e"
LISTED = 5
OPTIONS = (RUN, option("trial", metavar="TRIAL", help="trial id, or its beginning"))


def run(args: argparse.Namespace) -> int:
    """Prints the trial.

    Raises:
        UserError: no trial, or several, of that beginning.
    """
    from analysis.records.reader import read_run
    from analysis.render.cells import format_cell
    from spaces.specs.records import read_record

    found = read_run(args.run)
    damaged = options.name_damaged(found)
    names = list(found.trials["trial_id"])
    like = [name for name in names if name == args.trial] or [name for name in names if name.startswith(args.trial)]
    if not like:
        see = format_command("invsearch", "status", args.run)
        raise UserError(f"trial: no trial of {args.run} begins with {quote(args.trial)}; see {see}")
    if len(like) > 1:
        which = f"{quote(args.trial)} is the beginning of {len(like)} trials ({', '.join(like[:LISTED])}, ..)"
        raise UserError(f"trial: {which}; give more of the id")
    (name,) = like
    trial = found.trials.set_index("trial_id", drop=False).loc[name].dropna()
    trial = {str(field): value for field, value in trial.items()}
    error = str(trial.pop("error", ""))
    if own := found.spec.get("own", {}).get(trial["architecture"]):
        trial["own"] = own["reference"]
    width = max(map(len, trial))
    for field, value in trial.items():
        percent = field.endswith("accuracy") and isinstance(value, float)
        told = format(value, "g") if isinstance(value, float) else format_cell(value)
        print(f"{field:{width}}  {format_percent(value) if percent else told}")
    epochs = found.epochs[found.epochs["trial_id"] == name]
    if len(epochs):
        shown = epochs.drop(columns=["trial_id", "time", "made_by"]).dropna(axis="columns", how="all")
        percent = {str(name): format_percent for name in shown if str(name).endswith("accuracy")}
        print(f"\n{shown.to_string(index=False, formatters=percent)}")
    record = read_record(args.run / "trials" / name)
    assert record is not None
    for number, maker in enumerate(record.makers):
        epochs = [row["epoch"] for row in record.rows if row["maker"] == number]
        by = ", ".join(f"{key} {value}" for key, value in maker.items())
        if epochs:
            print(f"\n{wrap(f'epochs {epochs[0]} to {epochs[-1]} made by {by}')}")
    for note in record.notes:
        print(wrap(f"note: {note}"))
    if error:
        print(f"\n{error.rstrip()}")
    return damaged


def wrap(text: str) -> str:
    """A long line as lines that fit a terminal."""
    from search.streams import find_width

    width = find_width()
    return text if width is None else "\n  ".join(textwrap.wrap(text, max(20, width - 2)))
