"""``invsearch sweep``: search the hyperparameters of each architecture."""

from __future__ import annotations

import argparse

from search import options, specs
from search.option_types import option, place
from search.planning.asked import describe_dry_run
from spaces.common.errors import make_printable
from spaces.common.wording import format_command

HELP = "search each architecture's hyperparameters on held-out training images; run it again to resume"
EXAMPLE = "invsearch sweep --architectures conv,invariant --dataset digits --samples 32 --out runs/first"
OPTIONS = (
    place("--out", required=True, metavar="RUN", help="run folder or s3://BUCKET/RUN, new or to be resumed"),
    option(
        "--architectures",
        default="conv,invariant",
        metavar="A,B|all",
        help="names (invsearch list), or a layer or network of your own: FILE.py:NAME (default: conv,invariant)",
    ),
    options.DATA,
    options.SEARCH,
    *options.TRAINING,
)


def prepare(args: argparse.Namespace) -> options.Request:
    """The search that the options ask for."""
    spec = specs.make_run_spec(args, options.parse_architectures(args.architectures, args.out), None, None)
    return options.Request(args.out, spec, ("sweep",), *options.parse_conditions(args))


def run(args: argparse.Namespace) -> int:
    """Searches; 0 when every trial has ended."""
    request = prepare(args)
    if describe_dry_run(args, request):
        return 0
    from analysis.incumbents import find_incumbents
    from analysis.records.reader import read_run
    from search.streams import show

    failures = request.train()
    for name, best in find_incumbents(read_run(args.out)).iterrows():
        show(f"{name}: incumbent {best['trial_id']}, {100 * best['val_accuracy']:.2f} % on held-out training images")
    choose, rerun, best = (format_command("invsearch", command, args.out) for command in ("choose", "rerun", "best"))
    show(
        f"sweep complete: {make_printable(args.out)}; next: {choose} (the best race over further seeds), or {rerun}; "
        f"{best} shows their hyperparameters"
    )
    return options.choose_exit_code(failures, args.out, "sweep")
