"""The options of a dry run, and what they ask for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.option_types import flag, number, option
from spaces import UserError

if TYPE_CHECKING:
    from search.options import Request

DRY = (
    flag("--dry-run", help="train nothing; say what would run, or what is left of a run: trials, epochs, hours, disk"),
    option(
        "--assume",
        metavar="NAME=N,..",
        help="with --dry-run: plan for other machines: cpus and gpus of a node, nodes, seconds-per-epoch, or those of "
        "one architecture by its name; what is not given is measured here",
    ),
    number("--price", metavar="P", help="with --dry-run: price of a node per hour; the plan then says what it costs"),
)


def describe_dry_run(args: argparse.Namespace, request: Request, times: int = 1) -> bool:
    """Whether ``--dry-run`` was given; if so, says what would run, so many times."""
    if args.dry_run:
        from search.planning.assumed import parse_assumed
        from search.planning.dry_run import describe

        spec, resources = request.spec, request.resources
        assumed = parse_assumed(args.assume, args.price, spec.architectures, resources.gpus_per_trial)
        path = None if times > 1 else request.path
        for line in describe(spec, resources, request.policy, times, request.phases, path, assumed):
            print(line, flush=True)
    elif args.assume is not None or args.price is not None:
        raise UserError("assume and price are for a plan; give --dry-run too")
    return args.dry_run
