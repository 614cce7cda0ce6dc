"""``invsearch train``: fixed configurations over seeds, without a search."""

from __future__ import annotations

import argparse

from search.commands import option_types, options
from search.commands.fixed import PUBLISHED, make_fixed_spec
from spaces.common.errors import printable

NAME = "train"
HELP = "train fixed configurations over seeds on all training images, judged on the test set"
EXAMPLE = "invsearch train conv,invariant --dataset mnist --theta published --seeds 10"
THETA = "lr=0.1,momentum=0.5,weight_decay=1e-5,gain=1.5"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("architectures", metavar="ARCH[,ARCH]|all", help="architectures")
    add("--theta", default=PUBLISHED, metavar="THETA", help=f"published (default), or {THETA}")
    add("--seeds", type=option_types.whole, default=1, metavar="N", help="seeds (default 1)")
    add("--epochs", type=option_types.whole, metavar="N", help="epochs (default: the data set's own)")
    add("--out", type=option_types.parse_folder, metavar="RUN", help="run folder (default: runs/train-DATASET)")
    options.add_data_options(parser)
    options.add_resource_options(parser)
    options.add_policy_options(parser)


def run(args: argparse.Namespace) -> int:
    """Trains; 0 when every trial has ended. Prints the table of what was trained."""
    spec = make_fixed_spec(args, options.parse_architectures(args.architectures), args.theta, args.seeds)
    resources, policy, logs = options.conditions(args)
    from search.commands.table import render_table
    from search.streams import show
    from search.tuning.phases import train_run
    from search.tuning.rerun import plan_rerun

    out = args.out or f"runs/train-{spec.dataset}"
    failures = train_run(out, spec, [plan_rerun], resources, policy, logs)
    show(render_table("summary", out, "md"), f"\nrecords: {printable(out)}")
    return options.choose_exit_code(failures, out)
