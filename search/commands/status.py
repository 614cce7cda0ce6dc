"""``invsearch status``: how far a run is, one row per trial."""

from __future__ import annotations

import argparse

from search import options
from search.option_types import RUN, flag, option
from spaces.common.errors import printable
from spaces.specs.protocol import PHASES

HELP = "show how far a run is: counts per architecture, then one row per trial"
EXAMPLE = "invsearch status runs/first --filter architecture=conv --filter status=completed --sort val_accuracy"
OPTIONS = (
    RUN,
    option("--phase", choices=PHASES, help="default: sweep, or rerun if there was no sweep"),
    option("--sort", metavar="COLUMN", help="by this column; accuracies best first"),
    option("--filter", action="append", default=[], metavar="COND", help="such as status=diverged or lr>=0.1"),
    flag(
        "--csv",
        help="only the rows, as CSV, unrounded; text that a spreadsheet would change has an apostrophe in front",
    ),
)


def run(args: argparse.Namespace) -> int:
    """Prints the run's state; ``INCOMPLETE`` where a record cannot be read."""
    from analysis.progress.status import build_status_table, filter_status, sort_status, summarize_progress
    from analysis.records.reader import read_run
    from analysis.render.cells import format_cell
    from analysis.render.spreadsheet import write_csv
    from search.storage.driver import driver

    found = read_run(args.run)
    phase = args.phase or ("sweep" if found.spec.get("samples") else "rerun")
    table = filter_status(build_status_table(found, phase), args.filter)
    if args.sort:
        table = sort_status(table, args.sort)
    code = options.name_damaged(found)
    if args.csv:
        print(write_csv(table), end="")
        return code
    driven = driver(args.run)
    state = "no driver is working on it" if driven is None else f"driven by {driven.text}"
    print(f"{printable(args.run)}: {state}\n")
    print(f"{summarize_progress(found).to_string(index=False, na_rep='-', float_format='{:.4f}'.format)}\n")
    # Truth values as --filter takes them, and a dash where pandas would write <NA>.
    said = {str(name): table[name].map(format_cell) for name in table.select_dtypes(["boolean", "Int64"])}
    rows = table.assign(**said).to_string(index=False, na_rep="-", float_format="{:g}".format)
    print(rows if len(table) else f"no trials ({phase})")
    return code
