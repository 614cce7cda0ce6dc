"""``invsearch table``: the tables of the text, ours beside the published."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from spaces.choose import choose

if TYPE_CHECKING:
    from analysis.tables import Table

from search.commands import options

NAME = "table"
HELP = "print Table 1.3 or 1.4 from a run's records, beside the published numbers"
EXAMPLE = "invsearch table 1.3 runs/first --format md"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("table", metavar="TABLE", help="1.3 or 1.4; see invsearch list")
    parser.add_argument("run", type=options.folder, metavar="RUN", help="run folder")
    parser.add_argument("--format", choices=("md", "latex", "csv"), default="md", help="md (default), latex or csv")


def run(args: argparse.Namespace) -> int:
    """Prints the table; 0 even where cells are blank, which the notes below it say; INCOMPLETE with damaged files."""
    from analysis.records import read_run

    print(rendered(args.table, args.run, args.format))
    return options.name_damaged(read_run(args.run))


def rendered(table: str, run: str, form: str) -> str:
    """A run's table as text.

    Raises:
        UserError: not a run folder.
    """
    from analysis.formats import FORMATS
    from analysis.records import read_run

    return FORMATS[form](table_named(table).build(read_run(run))).rstrip()


def table_named(name: str) -> Table:
    """A table by its number in the text.

    Raises:
        UserError: there is none.
    """
    from analysis.tables import TABLES

    return choose("table", name, TABLES)
