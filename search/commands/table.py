"""``invsearch table``: the tables of the chapter, ours beside the published."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from spaces.common.lookup import choose

if TYPE_CHECKING:
    from analysis.tables import Table

from search.commands import option_types, options

NAME = "table"
HELP = "print a table from the records of runs: the chapter's beside the published numbers, rankings, fairness and more"
EXAMPLE = "invsearch table 1.3 runs/first --format md"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("table", metavar="TABLE", help="such as 1.3 or ranking; see invsearch list")
    add("runs", type=option_types.parse_folder, nargs="+", metavar="RUN", help="run folder; several stand together")
    options.add_margin(parser)
    add(
        "--format",
        choices=("md", "latex", "csv"),
        default="md",
        help="md (default), latex (set for an article's page), or csv (text that a spreadsheet would change has an "
        "apostrophe in front)",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the table; 0 even where cells are blank, which the notes below it say; INCOMPLETE with damaged files."""
    from analysis.evidence import gather
    from analysis.records.reader import read_run
    from analysis.render.formats import FORMATS

    table = find_table(args.table)
    runs = [read_run(path) for path in args.runs]
    print(FORMATS[args.format](table.fill(gather(runs, args.margin))).rstrip())
    return max(map(options.name_damaged, runs))


def render_table(table: str, run: str, form: str) -> str:
    """A run's table as text.

    Raises:
        UserError: not a run folder.
    """
    from analysis.records.reader import read_run
    from analysis.render.formats import FORMATS

    return FORMATS[form](find_table(table).build(read_run(run))).rstrip()


def find_table(name: str) -> Table:
    """A table by its number in the chapter.

    Raises:
        UserError: there is none.
    """
    from analysis.tables import TABLES

    return choose("table", name, TABLES)
