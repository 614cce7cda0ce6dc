"""``invsearch best``: each architecture's best configuration and rerun; its network as a folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from search.commands import option_types, options
from spaces import UserError
from spaces.common.lookup import choose
from spaces.common.wording import format_command

if TYPE_CHECKING:
    from analysis.best import Best
    from analysis.records.reader import Run

NAME = "best"
HELP = "show each architecture's incumbent and best rerun; --export writes its trained network to a folder"
EXAMPLE = "invsearch best runs/first --architecture conv --export exported/conv"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("run", type=option_types.parse_folder, metavar="RUN", help="run folder")
    add("--architecture", metavar="NAME", help="only this one (default: all)")
    add(
        "--export",
        type=option_types.parse_folder,
        metavar="DIR",
        help="write weights, config.json, load.py and README.md of the best rerun, or of the incumbent where no "
        "rerun has finished, to a new folder",
    )
    add(
        "--accept-changes",
        action="store_true",
        help="export even if the training has to be repeated and comes out differently from the record",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the table or exports; ``INCOMPLETE`` where a record cannot be read."""
    from analysis.best import build_best_table, find_bests
    from analysis.records.reader import read_run

    found = read_run(args.run)
    names = found.spec["architectures"]
    if args.architecture is not None:
        choose("architecture", args.architecture, dict.fromkeys(names))
    shown = [best for best in find_bests(found) if args.architecture in (None, best.architecture)]
    if args.export is not None:
        export_best(found, shown, args)
    elif shown:
        print(build_best_table(shown).to_string(index=False))
    lacking = set(names if args.architecture is None else [args.architecture]) - {best.architecture for best in shown}
    for name in sorted(lacking):
        print(f"{name}: no trial was trained to the end yet")
    return options.name_damaged(found)


def export_best(found: Run, shown: list[Best], args: argparse.Namespace) -> None:
    """Writes the folder.

    Raises:
        UserError: it is not clear which architecture, there is no trial of it, or the folder is not free.
    """
    names = found.spec["architectures"]
    if args.architecture is None and len(names) > 1:
        raise UserError(f"architecture: the run has several; give --architecture, one of {', '.join(names)}")
    if not shown or (trial := shown[0].rerun or shown[0].incumbent) is None:
        which = args.architecture or names[0]
        raise UserError(f"{args.run}: no trial of {which} was trained to the end, so there is nothing to export")
    from search.export import describe_choice, export, read_weights, refuse

    best, out = shown[0], Path(args.export)
    refuse(out, found.path)
    weights = read_weights(found.path, trial, args.accept_changes)
    export(found.path, best, weights, out)
    what = describe_choice(best) + ("" if best.rerun else " (no rerun has finished)")
    print(f"exported {trial}, {what}: {out}; try: {format_command('python', out / 'load.py')}")
