"""``invsearch rerun``: repeat each architecture's incumbent over fresh seeds."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from search.commands import option_types, options
from spaces.common.errors import printable
from spaces.common.wording import format_command
from spaces.specs.protocol import SEEDS

NAME = "rerun"
HELP = "train each architecture's best configuration over fresh seeds on all training images, judged on the test set"
EXAMPLE = "invsearch rerun runs/first --seeds 10"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("run", type=option_types.parse_folder, metavar="RUN", help="folder of a finished sweep")
    add("--seeds", type=option_types.whole, default=SEEDS, metavar="N", help=f"seeds (default {SEEDS})")
    add("--epochs", type=option_types.whole, metavar="N", help="epochs (default: as the sweep's, or as before)")
    options.add_resource_options(parser)
    options.add_policy_options(parser)


def run(args: argparse.Namespace) -> int:
    """Reruns; 0 when every rerun has ended."""
    resources, policy, logs = options.conditions(args)
    from search.storage.run_folder import RunFolder
    from search.streams import show
    from search.tuning.phases import train_run
    from search.tuning.rerun import plan_rerun

    folder = RunFolder(args.run)
    folder.mend(policy.force)
    spec = folder.read_spec()
    epochs = args.epochs if args.epochs is not None else spec.rerun_epochs or spec.max_epochs
    asked = replace(spec, rerun_seeds=args.seeds, rerun_epochs=epochs)
    failures = train_run(args.run, asked, [plan_rerun], resources, policy, logs)
    after = format_command("invsearch", "table", "1.3", Path(args.run))
    show(f"rerun complete: {printable(args.run)}; next: {after}")
    return options.choose_exit_code(failures, args.run)
