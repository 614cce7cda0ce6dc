"""``invsearch export``: what a run found, in files that other programs read."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search import options
from search.option_types import RUN, flag, folder, make_group, option
from spaces import UserError
from spaces.common.errors import make_printable
from spaces.common.wording import format_count
from spaces.specs.own import choose_architecture

if TYPE_CHECKING:
    from analysis.records.reader import Run

HELP = "write all epochs of all trials as one table, or a whole grid as a tabular benchmark, for other programs"
EXAMPLE = "invsearch export runs/first --parquet first.parquet"
BENCHMARK = "invsearch export benchmark runs/whole --out whole-grid"
KINDS = ("benchmark",)
OPTIONS = (
    option(
        "kind",
        nargs="?",
        choices=KINDS,
        help="benchmark: the grid and all learning curves in the layout of Syne Tune's repository, with --out",
    ),
    RUN,
    make_group(
        None,
        folder(
            "--csv", metavar="FILE", help="one row per trial and epoch, unrounded; text is guarded as in status --csv"
        ),
        folder("--parquet", metavar="FILE", help="the same table as Parquet"),
        folder("--out", metavar="DIR", help="for a benchmark: a new or empty folder"),
    ),
    option("--architectures", default="", metavar="A,B", help="only these (default: all)"),
    flag(
        "--partial",
        help="for a benchmark: write it even if trials were stopped early, failed or have not ended; they are marked",
    ),
)


def run(args: argparse.Namespace) -> int:
    """Writes the file or folder; ``INCOMPLETE`` where a record cannot be read.

    Raises:
        UserError: nothing to write was named, the run is not a whole grid, or the place is not free.
    """
    from analysis.records.reader import read_run

    if args.kind is None and args.csv is None and args.parquet is None:
        raise UserError(f"export: nothing to write; give --csv FILE or --parquet FILE: {EXAMPLE}; or {BENCHMARK}")
    if args.kind is not None and args.out is None:
        raise UserError(f"export benchmark: give a folder to write to; {BENCHMARK}")
    if args.kind is None and args.partial:
        raise UserError("partial: --csv and --parquet have every trial anyway; leave --partial out")
    found = read_run(args.run)
    asked = options.split_names(args.architectures)
    names = tuple(dict.fromkeys(choose_architecture(name, found.spec) for name in asked))
    (_write_epochs if args.kind is None else _write_benchmark)(args, found, names)
    return options.name_damaged(found)


def _write_epochs(args: argparse.Namespace, found: Run, names: tuple[str, ...]) -> None:
    from analysis.records.whole import join_epochs, write_parquet
    from analysis.render.spreadsheet import write_csv
    from spaces.files.atomic import write_atomically

    out = args.csv or args.parquet
    if out.is_dir() or out.resolve().is_relative_to(args.run.resolve()):
        raise UserError(f"export: {out} is a folder, or in the run folder; give a file elsewhere")
    table = join_epochs(found)
    if names:
        table = table[table["architecture"].isin(names)]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, write_csv(table).encode() if args.csv else write_parquet(table))
    trials = format_count(table["trial_id"].nunique(), "trial")
    print(f"exported {format_count(len(table), 'epoch')} of {trials}: {make_printable(out)}")


def _write_benchmark(args: argparse.Namespace, found: Run, names: tuple[str, ...]) -> None:
    from analysis.tabular.collect import collect
    from analysis.tabular.files import make_files
    from search.export.place import refuse, write_folder

    refuse(args.out, args.run, "out")
    benchmark = collect(found, names, args.partial)
    write_folder(args.out, make_files(benchmark))
    for lack in benchmark.lacks:
        print(f"lacks: {lack}")
    points = format_count(len(benchmark.hyperparameters), "configuration")
    epochs = format_count(benchmark.max_epochs, "epoch")
    print(f"exported {points} of {', '.join(benchmark.tasks)}, {epochs} each: {make_printable(args.out)}")
