"""``invsearch best``: each architecture's best configuration and rerun; its network as a folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from search import options
from search.option_types import RUN, flag, folder, option
from spaces import UserError
from spaces.common.wording import format_command
from spaces.specs.own import choose_architecture

if TYPE_CHECKING:
    from analysis.best import Best
    from analysis.records.reader import Run

HELP = "show each architecture's incumbent and best rerun; --export writes its trained network to a folder"
EXAMPLE = "invsearch best runs/first --architecture conv --export exported/conv"
OPTIONS = (
    RUN,
    option(
        "--architecture", metavar="NAME", help="only this one; one of your own by its short name, too (default: all)"
    ),
    folder(
        "--export",
        metavar="DIR",
        help="write weights, config.json, load.py and README.md of the best rerun, or of the incumbent where no "
        "rerun has finished, to a new folder",
    ),
    flag(
        "--accept-changes",
        help="export even if the training has to be repeated and comes out differently from the record",
    ),
)


def run(args: argparse.Namespace) -> int:
    """Prints the table or exports; ``INCOMPLETE`` where a record cannot be read."""
    from analysis.best import find_bests
    from analysis.records.reader import read_run
    from search.streams import find_width

    found = read_run(args.run)
    asked = found.spec["architectures"]
    if args.architecture is not None:
        asked = [choose_architecture(args.architecture, found.spec)]
    shown = [best for best in find_bests(found) if best.architecture in asked]
    if args.export is not None:
        export_best(found, asked, shown, args)
    elif shown:
        print("\n\n".join(write_bests(shown, find_width())))
    for name in sorted(set(asked) - {best.architecture for best in shown}):
        print(f"{name}: no trial has been trained to the end yet")
    return options.name_damaged(found)


def write_bests(shown: Sequence[Best], width: int | None) -> list[str]:
    """The table, or where it does not fit the facts of each architecture below one another."""
    from analysis.best import build_best_table
    from analysis.render.narrow import measure_width

    table = build_best_table(shown)
    if width is None or measure_width(table) <= width:
        return [table.to_string(index=False)]
    name, *fields = map(str, table)
    size = max(map(len, fields))
    return [
        "\n".join([str(row[name]), *(f"  {field:{size}}  {row[field]}" for field in fields)])
        for row in table.to_dict("records")
    ]


def export_best(found: Run, asked: Sequence[str], shown: Sequence[Best], args: argparse.Namespace) -> None:
    """Writes the folder.

    Raises:
        UserError: it is not clear which architecture, there is no trial of it, or the folder is not free.
    """
    if len(asked) > 1:
        raise UserError(f"architecture: the run has several; give --architecture, one of {', '.join(asked)}")
    if not shown or (trial := shown[0].rerun or shown[0].incumbent) is None:
        raise UserError(f"{args.run}: no trial of {asked[0]} was trained to the end, so there is nothing to export")
    from search.export import describe_choice, export, read_weights, refuse
    from search.storage.places.urls import fetch_checkpoint
    from search.storage.sources import load_one_kept

    best, out = shown[0], args.export
    refuse(out, found.path)
    load_one_kept(found.path, best.architecture)
    fetch_checkpoint(found.path, trial)
    export(found.path, best, read_weights(found.path, trial, args.accept_changes), out)
    what = describe_choice(best) + ("" if best.rerun else " (no rerun has finished)")
    print(f"exported {trial}, {what}: {out}; try: {format_command('python', out / 'load.py')}")
