"""``invsearch report``: one page, figures and tables of one or several runs."""

from __future__ import annotations

import argparse

from search import options
from search.commands.table import CONCLUDING
from search.option_types import folder, option, place
from search.storage.places.urls import find_url
from spaces import UserError

HELP = "write a self-contained HTML report of one or several runs, with figures and tables as files"
EXAMPLE = "invsearch report runs/first"
OPTIONS = (
    place(
        "runs",
        nargs="+",
        metavar="RUN",
        help="run folder, s3://BUCKET/RUN, or folder of replicates; several are compared",
    ),
    folder("--out", metavar="DIR", help="where to write it (default: RUN/report; required for several runs)"),
    *CONCLUDING,
    option("--only", choices=("html", "figures", "tables"), help="write only these (default: all)"),
)


def run(args: argparse.Namespace) -> int:
    """Writes the report; ``INCOMPLETE`` where a file of a run cannot be read.

    Raises:
        UserError: several runs without ``--out``, or a folder that is not a run.
    """
    if args.out is None and len(args.runs) > 1:
        raise UserError("out: several runs are given, so say where the report goes, such as --out report")
    if args.out is None and find_url(args.runs[0]) is not None:
        raise UserError("out: the run is in a bucket, so say where the report goes, such as --out report")

    from analysis.evidence import gather
    from analysis.records.reader import read_runs
    from analysis.report import write_report

    found = read_runs(args.runs)
    codes = [options.name_damaged(each) for each in found]
    target = args.out or args.runs[0] / "report"
    written = write_report(gather(found, args.margin, args.judge), target, only=args.only)
    for parent in dict.fromkeys(path.parent for path in written):
        names = [path.name for path in written if path.parent == parent]
        print(parent / names[0] if parent == target else f"{parent}: {len(names)} files")
    return max(codes)
