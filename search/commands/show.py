"""``invsearch show``: one trial, epoch by epoch."""

from __future__ import annotations

import argparse

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
    from analysis.render.narrow import wrap_text
    from search.streams import find_width
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
    width, columns = max(map(len, trial)), find_width()
    for field, value in trial.items():
        percent = field.endswith("accuracy") and isinstance(value, float)
        told = format(value, "g") if isinstance(value, float) else format_cell(value)
        text = f"{field:{width}}  {format_percent(value) if percent else told}"
        print(wrap_text(text, columns, " " * (width + 2)))
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
            print(f"\n{wrap_text(f'epochs {epochs[0]} to {epochs[-1]} made by {by}', columns, '  ')}")
    for note in record.notes:
        print(wrap_text(f"note: {note}", columns, "  "))
    if error:
        print(f"\n{error.rstrip()}")
    return damaged
