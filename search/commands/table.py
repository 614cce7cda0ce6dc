"""``invsearch table``: the tables of the chapter, ours beside the published."""

from __future__ import annotations

import argparse

from search import options
from search.option_types import number, option, place
from spaces.common.lookup import choose
from spaces.specs.protocol import JUDGES

HELP = "print a table from the records of runs: the chapter's beside the published numbers, rankings, fairness and more"
EXAMPLE = "invsearch table 1.3 runs/first --format md"
CONCLUDING = (
    number(
        "--margin",
        default=0.5,
        metavar="POINTS",
        help="difference from a published mean that does not matter, in points of accuracy (default: 0.5)",
    ),
    option(
        "--judge",
        choices=JUDGES,
        help="which accuracy of a rerun counts: final, after the last epoch, as in the chapter; or last5, the mean of "
        "its last five epochs (default: what the runs say; final if they say nothing or differ)",
    ),
)
"""How conclusions are drawn; the report has them, too."""
OPTIONS = (
    option("table", metavar="TABLE", help="such as 1.3 or ranking; see invsearch list"),
    place(
        "runs",
        nargs="+",
        metavar="RUN",
        help="run folder, s3://BUCKET/RUN, or folder of replicates; several share the table",
    ),
    *CONCLUDING,
    option(
        "--format",
        choices=("md", "latex", "csv"),
        default="md",
        help="md (default), latex (fits an article's page), or csv (text that a spreadsheet would change gets a "
        "leading apostrophe)",
    ),
)


def run(args: argparse.Namespace) -> int:
    """Prints the table; 0 even where cells are blank, which the notes below it say; INCOMPLETE with damaged files."""
    from analysis.evidence import gather
    from analysis.records.reader import read_runs
    from analysis.render.formats import FORMATS, write_markdown
    from analysis.tables import TABLES
    from search.streams import find_width

    table = choose("table", args.table, TABLES)
    runs = read_runs(args.runs)
    filled = table.fill(gather(runs, args.margin, args.judge))
    text = write_markdown(filled, find_width()) if args.format == "md" else FORMATS[args.format](filled)
    print(text.rstrip())
    return max(map(options.name_damaged, runs))
