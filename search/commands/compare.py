"""``invsearch compare``: two runs side by side in the terminal."""

from __future__ import annotations

import argparse

from search.commands import options
from search.commands.option_types import folder

HELP = "compare two runs: settings that differ, and for each architecture whether its accuracy does"
EXAMPLE = "invsearch compare runs/grid runs/tpe"
OPTIONS = (
    folder("first", metavar="RUN_A", help="run folder"),
    folder("second", metavar="RUN_B", help="run folder"),
)


def run(args: argparse.Namespace) -> int:
    """Prints the comparison; ``INCOMPLETE`` where a record cannot be read."""
    from analysis.comparison import compare_runs
    from analysis.records.reader import read_run

    first, second = read_run(args.first), read_run(args.second)
    print(compare_runs(first, second))
    return max(options.name_damaged(first), options.name_damaged(second))
