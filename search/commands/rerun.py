"""``invsearch rerun``: repeat each architecture's incumbent over fresh seeds."""

from __future__ import annotations

import argparse
from dataclasses import replace

from search import options
from search.option_types import integer, place
from search.planning.asked import DRY, describe_dry_run
from spaces.common.errors import make_printable
from spaces.common.wording import format_command
from spaces.specs.protocol import SEEDS
from spaces.specs.run import RunSpec

HELP = "train each architecture's best configuration over fresh seeds on all training images, judged on the test set"
EXAMPLE = "invsearch rerun runs/first --seeds 10"
OPTIONS = (
    place("run", metavar="RUN", help="folder or URL of a finished sweep"),
    integer("--seeds", default=SEEDS, help=f"seeds (default {SEEDS})"),
    integer("--epochs", help="epochs (default: those of earlier reruns, else of the sweep)"),
    *DRY,
    *options.TRAINING,
)


def prepare(args: argparse.Namespace) -> options.Request:
    """The reruns that the options ask for, of a sweep whose folder is mended first."""
    from search.storage.run_folder import RunFolder

    conditions = options.parse_conditions(args)
    folder = RunFolder(args.run)
    if not args.dry_run:
        folder.mend(args.force)
    spec = folder.read_spec()
    epochs = args.epochs if args.epochs is not None else spec.rerun_epochs or spec.max_epochs
    asked = replace(spec, rerun_seeds=args.seeds, rerun_epochs=epochs)
    return options.Request(args.run, asked, ("rerun",), *conditions)


def run(args: argparse.Namespace) -> int:
    """Reruns; 0 when every rerun has ended."""
    from search.streams import show

    request = prepare(args)
    if describe_dry_run(args, request):
        return 0
    failures = request.train()
    table = choose_table(request.spec)
    show(f"rerun complete: {make_printable(args.run)}; next: {format_command('invsearch', 'table', table, args.run)}")
    return options.choose_exit_code(failures, args.run, "rerun")


def choose_table(spec: RunSpec) -> str:
    """The table that shows all of a run's networks: one of the chapter's, but not of data of one's own."""
    from analysis.tables import TABLES
    from search.datasets import DATASETS

    known = ["1.3", "1.4"] if spec.dataset in DATASETS else []
    return next((name for name in known if {*spec.architectures} <= {*TABLES[name].architectures}), "ranking")
