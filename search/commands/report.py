"""``invsearch report``: one page, figures and tables of one or several runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from search.commands import option_types, options
from spaces import UserError

NAME = "report"
HELP = "write a self-contained HTML report of one or several runs, with figures and tables as files"
EXAMPLE = "invsearch report runs/first"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("runs", type=option_types.parse_folder, nargs="+", metavar="RUN", help="run folder; several are compared")
    add(
        "--out",
        type=option_types.parse_folder,
        metavar="DIR",
        help="where to write it (default: RUN/report; required for several runs)",
    )
    options.add_margin(parser)
    add("--only", choices=("html", "figures", "tables"), help="write only these (default: all)")


def run(args: argparse.Namespace) -> int:
    """Writes the report; ``INCOMPLETE`` where a file of a run cannot be read.

    Raises:
        UserError: several runs without ``--out``, or a folder that is not a run.
    """
    if args.out is None and len(args.runs) > 1:
        raise UserError("out: several runs are given, so say where the report goes, such as --out report")

    from analysis.evidence import gather
    from analysis.records.reader import read_run
    from analysis.report import write_report

    found = [read_run(path) for path in args.runs]
    codes = [options.name_damaged(each) for each in found]
    target = Path(args.out or Path(args.runs[0]) / "report")
    written = write_report(gather(found, args.margin), target, only=args.only)
    for line in sum_up(written, target):
        print(line)
    return max(codes)


def sum_up(written: list[Path], target: Path) -> list[str]:
    """A line for each folder that files were written to, and one for the page."""
    lines = []
    for folder in dict.fromkeys(path.parent for path in written):
        names = [path.name for path in written if path.parent == folder]
        lines.append(str(folder / names[0]) if folder == target else f"{folder}: {len(names)} files")
    return lines
