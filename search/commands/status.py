"""``invsearch status``: how far a run is, one row per trial."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search import options
from search.option_types import RUN, flag, option
from spaces.common.errors import make_printable
from spaces.common.wording import format_percent
from spaces.specs.protocol import PHASES

if TYPE_CHECKING:
    import pandas as pd

HELP = "show how far a run is: counts per architecture, then one row per trial"
EXAMPLE = "invsearch status runs/first --filter architecture=conv --filter status=completed --sort val_accuracy"
OPTIONS = (
    RUN,
    option("--phase", choices=PHASES, help="phase to show (default: sweep, or rerun if there was no sweep)"),
    option("--sort", metavar="COLUMN", help="sort by this column; accuracies best first"),
    option(
        "--filter",
        action="append",
        default=[],
        metavar="COND",
        help="show only such rows, for example 'status=diverged' or 'lr>=0.1'",
    ),
    flag(
        "--csv",
        help="print only the rows, as unrounded CSV; text that a spreadsheet would change gets a leading apostrophe",
    ),
)
ZEROS = ("unfinished", "failed", "diverged", "stopped")  # Not shown where there are none and little room.
SPARE = ("engine", "architecture", "seed")  # What a narrow terminal loses first.


def run(args: argparse.Namespace) -> int:
    """Prints the run's state; ``INCOMPLETE`` where a record cannot be read."""
    from analysis.progress.status import build_status_table, filter_status, sort_status, summarize_progress
    from analysis.records.reader import read_run
    from analysis.records.schema import list_hyperparameters
    from analysis.render.narrow import drop_columns, measure_width, stack_columns
    from analysis.render.spreadsheet import write_csv
    from search.storage.driver import find_driver
    from search.streams import find_width
    from spaces.specs.notes import read_notes

    found = read_run(args.run)
    phase = args.phase or ("sweep" if found.spec.get("samples") else "rerun")
    table = filter_status(build_status_table(found, phase), args.filter)
    if args.sort:
        table = sort_status(table, args.sort)
    code = options.name_damaged(found)
    if args.csv:
        print(write_csv(table), end="")
        return code
    driven = find_driver(args.run)
    state = "no driver is working on it" if driven is None else f"driven by {driven.text}"
    print(f"{make_printable(args.run)}: {state}")
    for note in read_notes(args.run):
        print(make_printable(f"note: {note}"))
    print()
    width, summary = find_width(), write_cells(summarize_progress(found))
    none = [name for name in ZEROS if (summary[name] == "0").all()]
    for text in stack_columns(drop_columns(summary, width, none)[0], width, write_rows, keys=2):
        print(f"{text}\n")
    rows, dropped = drop_columns(write_cells(table), width, SPARE)
    if width is not None and measure_width(rows) > width:  # What goes on below is what was tried, not what came out.
        tried = list_hyperparameters(found.trials)
        rows = rows[[*rows.columns.difference(tried, sort=False), *tried]]
    print("\n\n".join(stack_columns(rows, width, write_rows)) if len(table) else f"no trials ({phase})")
    if dropped:
        print(f"\nnot shown in {width} columns: {', '.join(dropped)}; --csv has all")
    return code


def write_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The cells as people read them: accuracies in percent, a dash where there is nothing."""
    from analysis.render.cells import format_cell

    formats = {name: format_percent if str(name).endswith("accuracy") else format_cell for name in table}
    return table.apply(lambda column: column.map(formats[column.name]))


def write_rows(table: pd.DataFrame) -> str:
    """A table of text."""
    return table.to_string(index=False)
