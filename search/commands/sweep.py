"""``invsearch sweep``: search the hyperparameters of each architecture."""

from __future__ import annotations

import argparse
from pathlib import Path

from search.commands import option_types, options
from spaces.common.errors import printable
from spaces.common.wording import command

NAME = "sweep"
HELP = "search each architecture's hyperparameters on held-out training images; run again to go on"
EXAMPLE = "invsearch sweep --architectures conv,invariant --dataset digits --samples 32 --out runs/first"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument(
        "--out", type=option_types.folder, required=True, metavar="RUN", help="run folder, new or to be continued"
    )
    parser.add_argument("--architectures", default="conv,invariant", metavar="A,B|all", help="default: conv,invariant")
    options.add_data_options(parser)
    options.add_search_options(parser)
    options.add_resource_options(parser)
    options.add_policy_options(parser)


def run(args: argparse.Namespace) -> int:
    """Searches; 0 when every trial has ended."""
    spec = options.run_spec(args, options.architectures(args.architectures), None, None)
    logs = options.logs(args)
    resources = options.resources(args, spec.architectures)
    if options.only_described(args, spec, resources):
        return 0
    from search.loggers.exporter import logged
    from search.storage.environment import engines_here
    from search.storage.run_folder import RunFolder
    from search.streams import show
    from search.tuning.sweep import sweep

    folder = RunFolder(args.out)
    policy = options.policy(args)
    engines = engines_here(resources, spec.architectures, spec.recipe is not None)
    with folder.driven(spec, policy, engines) as spec, logged(folder.path, logs):
        sweep(folder, spec, resources, policy)
    from analysis.incumbents import incumbents
    from analysis.records.reader import read_run

    for name, best in incumbents(read_run(args.out)).iterrows():
        show(f"{name}: incumbent {best['trial_id']}, {100 * best['val_accuracy']:.2f} % on held-out training images")
    out = Path(args.out)
    after = f"{command('invsearch', 'rerun', out)}, or {command('invsearch', 'status', out)}"
    show(f"sweep complete: {printable(out)}; next: {after}")
    return options.exit_code(folder.failures("sweep"), args.out)
