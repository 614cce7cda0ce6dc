"""``invsearch train``: fixed configurations over seeds, without a search."""

from __future__ import annotations

import argparse
from pathlib import Path

from search import options, specs
from search.option_types import integer, option, place
from spaces.common.errors import make_printable

HELP = "train fixed configurations over seeds on all training images, judged on the test set"
EXAMPLE = "invsearch train conv,invariant --dataset mnist --theta published --seeds 10"
THETA = "lr=0.1,momentum=0.5,weight_decay=1e-5,gain=1.5"
OPTIONS = (
    option("architectures", metavar="ARCH[,ARCH]|all", help="names (invsearch list), or FILE.py:NAME"),
    option("--theta", default=specs.PUBLISHED, metavar="THETA", help=f"published (default), or {THETA},NAME=.."),
    integer("--seeds", default=1, help="seeds (default 1)"),
    integer("--epochs", help="epochs (default: the data set's own)"),
    place("--out", metavar="RUN", help="run folder, or s3://BUCKET/RUN (default: runs/train-DATASET)"),
    options.DATA,
    *options.TRAINING,
)


def prepare(args: argparse.Namespace) -> options.Request:
    """The trainings that the options ask for."""
    out = args.out or Path(f"runs/train-{specs.find_data(args).name}")
    names = options.parse_architectures(args.architectures, out)
    spec = specs.make_fixed_spec(args, names, args.theta, args.seeds)
    return options.Request(out, spec, ("rerun",), *options.parse_conditions(args))


def run(args: argparse.Namespace) -> int:
    """Trains; 0 when every trial has ended. Prints the table of what was trained."""
    from search.streams import show

    request = prepare(args)
    failures = request.train()
    show(options.render_table("summary", request.path), f"\nrecords: {make_printable(request.path)}")
    return options.choose_exit_code(failures, request.path)
