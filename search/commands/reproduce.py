"""``invsearch reproduce``: sweep, rerun and table in one."""

from __future__ import annotations

import argparse

from search.commands import options, rerun
from search.commands.table import rendered, table_named
from spaces import UserError

NAME = "reproduce"
HELP = "run a whole experiment of the text: sweep, reruns and the table; run again to go on"
EXAMPLE = "invsearch reproduce 1.3 --dataset digits --out runs/table-1.3"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("table", metavar="TABLE", help="1.3 or 1.4; see invsearch list")
    parser.add_argument(
        "--out", type=options.folder, required=True, metavar="RUN", help="run folder, new or to be continued"
    )
    parser.add_argument(
        "--seeds", type=options.whole, default=rerun.SEEDS, metavar="N", help=f"rerun seeds (default {rerun.SEEDS})"
    )
    parser.add_argument(
        "--rerun-epochs", type=options.whole, metavar="N", help="epochs of a rerun (default: as --epochs)"
    )
    options.add_data_options(parser)
    options.add_search_options(parser)
    options.add_resource_options(parser)
    options.add_policy_options(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the experiment and prints its table."""
    names = table_named(args.table).architectures
    if not names:
        raise UserError(
            f"table: {args.table} shows any run and has no experiment of its own; see invsearch list tables"
        )
    spec = options.run_spec(
        args, names, args.seeds, options.epochs(args) if args.rerun_epochs is None else args.rerun_epochs
    )
    logs = options.logs(args)
    resources = options.resources(args, spec.architectures)
    if options.only_described(args, spec, resources):
        return 0
    from search.environment import engines_here
    from search.loggers.exporter import logged
    from search.rerun import rerun as run_again
    from search.run_folder import RunFolder
    from search.sweep import sweep

    folder = RunFolder(args.out)
    policy = options.policy(args)
    engines = engines_here(resources, spec.architectures, spec.recipe is not None)
    with folder.driven(spec, policy, engines) as spec, logged(folder.path, logs):
        sweep(folder, spec, resources, policy)
        run_again(folder, spec, resources, policy)
    print(rendered(args.table, args.out, "md"))
    return options.exit_code(folder.failures("sweep") + folder.failures("rerun"), args.out)
