"""``invsearch choose``: which configuration of each architecture is rerun, decided by a race over further seeds."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from search import options
from search.option_types import integer, make_group, option, place
from search.planning.asked import DRY, describe_dry_run
from spaces import UserError
from spaces.common.errors import make_printable
from spaces.common.fields import name_option
from spaces.common.wording import format_command
from spaces.specs.protocol import BOTH, CHOICE_SEEDS, FINALISTS, JUDGES

if TYPE_CHECKING:
    from spaces.specs.run import RunSpec

ENDING = 10  # Epochs that a training needs for its last five to be its end.
HELP = "let each architecture's best configurations race over further seeds, on held-out images; the winner is rerun"
EXAMPLE = "invsearch choose runs/first --finalists 12 --choice-seeds 8"
CHOICE = make_group(
    "choice between sweep and reruns",
    option(
        "--choice",
        choices=("race", "single"),
        help="race: the sweep's best configurations get further seeds, and the better half stays until one is left; or "
        "single: the best on the sweep's one seed, as in the chapter (default: race; reproduce keeps the run's own)",
    ),
    integer(
        "--finalists", metavar="K", help=f"configurations that race (default: the run's own; {FINALISTS} in a new race)"
    ),
    integer(
        "--choice-seeds",
        metavar="M",
        help=f"at most this many seeds for a finalist (default: the run's own; {CHOICE_SEEDS} in a new race)",
    ),
    option(
        "--judge",
        choices=(*JUDGES, BOTH),
        help="what decides: final, the accuracy after the last epoch, as in the chapter; last5, the mean of the last "
        f"five epochs; or both, the mean of these two in the race and final elsewhere (default: the run's own; {BOTH} "
        f"for a new race of at least {ENDING} epochs, else final)",
    ),
)
OPTIONS = (
    place("run", metavar="RUN", help="folder or URL of a finished sweep"),
    CHOICE,
    *DRY,
    *options.TRAINING,
)


def prepare(args: argparse.Namespace) -> options.Request:
    """The race that the options ask for, of a sweep whose folder is mended first."""
    from analysis.records.reader import read_run
    from search.datasets import find_dataset
    from search.storage.run_folder import RunFolder
    from search.tuning.choice import check_swept

    conditions = options.parse_conditions(args)
    run = RunFolder(args.run)
    if not args.dry_run:
        run.mend(args.force)
    spec = run.read_spec()
    if spec.thetas is not None:
        raise UserError(
            f"{args.run}: its configurations were given, so there is nothing to choose; use invsearch rerun"
        )
    if args.choice == "single" and spec.finalists:
        raise UserError(
            f"choice: {args.run} has a race, which stays on record; leave --choice single out "
            "(the notes of its tables say what a single seed would have taken)"
        )
    check_swept(run.source, spec, read_run(run.source))  # Before the run asks for a race for good.
    data = find_dataset(spec.dataset, spec.data_hash, spec.data_source)
    asked = replace(add_choice(args, spec, spec), classes=spec.classes or data.classes)  # What guessing reaches.
    return options.Request(args.run, asked, ("choice",), *conditions)


def run(args: argparse.Namespace) -> int:
    """Races; 0 when every race has its winner and no trial failed."""
    from analysis.evidence import gather
    from analysis.records.reader import read_run
    from analysis.tables.choice import describe_choices
    from search.streams import show

    request = prepare(args)
    if describe_dry_run(args, request):
        return 0
    failures = request.train()
    for line in describe_choices(gather([read_run(args.run)])):
        show(line)
    show(f"choice complete: {make_printable(args.run)}; next: {format_command('invsearch', 'rerun', args.run)}")
    return options.choose_exit_code(failures, args.run, "choice")


def add_choice(args: argparse.Namespace, spec: RunSpec, known: RunSpec | None) -> RunSpec:
    """A run with the choice that the options ask for: where it has a race that is kept, and extended.

    Args:
        args: the options.
        spec: the run that they ask for.
        known: what its folder holds, if anything.

    Raises:
        UserError: numbers for a race where none is asked for, or that are not allowed.
    """
    given = {"finalists": args.finalists, "choice_seeds": args.choice_seeds}
    if args.choice != "single":
        race = {
            name: number if number is not None else getattr(spec, name) or default
            for (name, number), default in zip(given.items(), (FINALISTS, CHOICE_SEEDS), strict=True)
        }
        return replace(spec, **race, judge=args.judge or _find_judge(spec, known))
    for name, number in given.items():
        if number is not None:
            raise UserError(f"choice: single has no race; leave --{name_option(name)} out, or give --choice race")
    return replace(spec, judge=args.judge)


def _find_judge(spec: RunSpec, known: RunSpec | None) -> str | None:
    """The judge of a race for which none is named: a last epoch alone hides dips, and the last five favour the slow."""
    if known is not None and (known.finalists or known.judge):
        return known.judge
    return BOTH if spec.max_epochs >= ENDING else None
