"""``invsearch export``: what a run found, in files that other programs read."""

from __future__ import annotations

import argparse

from search import options
from search.option_types import RUN, flag, folder, option
from spaces.common.errors import printable
from spaces.common.wording import format_count

HELP = "write a run as a tabular benchmark: the grid and all learning curves, for others to look up"
EXAMPLE = "invsearch export benchmark runs/whole --out whole-grid"
KINDS = ("benchmark",)
OPTIONS = (
    option("kind", choices=KINDS, help="benchmark: Parquet and NumPy files in the layout of Syne Tune's repository"),
    RUN,
    folder("--out", required=True, metavar="DIR", help="a new or empty folder"),
    option("--architectures", default="", metavar="A,B", help="only these (default: all)"),
    flag("--partial", help="also where trials were stopped early, failed or have not ended; they are marked"),
)


def run(args: argparse.Namespace) -> int:
    """Writes the folder and says what the run lacks; ``INCOMPLETE`` where a record cannot be read.

    Raises:
        UserError: the run is no whole grid, or the folder is not free.
    """
    from analysis.records.reader import read_run
    from analysis.tabular.collect import collect
    from analysis.tabular.files import make_files
    from search.export.place import refuse, write_folder

    found = read_run(args.run)
    refuse(args.out, args.run, "out")
    benchmark = collect(found, options.split_names(args.architectures), args.partial)
    write_folder(args.out, make_files(benchmark))
    for lack in benchmark.lacks:
        print(f"lacks: {lack}")
    points = format_count(len(benchmark.hyperparameters), "configuration")
    epochs = format_count(benchmark.max_epochs, "epoch")
    print(f"exported {points} of {', '.join(benchmark.tasks)}, {epochs} each: {printable(args.out)}")
    return options.name_damaged(found)
