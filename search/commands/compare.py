"""``invsearch compare``: two runs side by side in the terminal."""

from __future__ import annotations

import argparse

from search import options
from search.option_types import flag, place

HELP = "compare two runs: to the bit, by their requests, and by each architecture's accuracy"
EXAMPLE = "invsearch compare runs/grid runs/tpe"
OPTIONS = (
    place("first", metavar="RUN_A", help="run folder, or s3://BUCKET/RUN"),
    place("second", metavar="RUN_B", help="run folder, or s3://BUCKET/RUN"),
    flag("--exact", help="only say whether they are the same to the bit; exit code 3 if they are not"),
)


def run(args: argparse.Namespace) -> int:
    """Prints the comparison; ``INCOMPLETE`` where a record cannot be read, or ``--exact`` finds a difference."""
    from analysis.comparison import compare_runs, list_settings
    from analysis.exactness import compare_exactly
    from analysis.records.reader import read_run
    from search.streams import find_width

    first, second = read_run(args.first), read_run(args.second)
    code = max(options.name_damaged(first), options.name_damaged(second))
    if not args.exact:
        print(compare_runs(first, second, find_width()))
        return code
    same, lines = compare_exactly(first, second, list(list_settings(first, second)["setting"]))
    print("\n".join(lines))
    return code if same else options.INCOMPLETE
