"""``invsearch reproduce``: a whole experiment of the chapter and its table in one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING

from search import options, specs
from search.commands.choose import CHOICE, add_choice
from search.errors import TIME_IS_UP, Halted, NothingToChoose
from search.option_types import integer, option, place
from search.planning.asked import describe_dry_run
from search.storage.places.urls import find_url
from spaces import UserError
from spaces.common.errors import make_printable, quote
from spaces.common.lookup import choose
from spaces.common.wording import format_command
from spaces.specs.extend import read_known
from spaces.specs.protocol import PHASES, REDUCTION_FACTOR
from spaces.specs.replicates import list_replicates, make_replicate

if TYPE_CHECKING:
    from analysis.tables import Table
    from search.tuning.events import Event

HELP = (
    "run a whole experiment of the chapter: sweep and race (for 1.3, 1.4), reruns and the table; run it again to resume"
)
EXAMPLE = "invsearch reproduce 1.3 --dataset digits --out runs/table-1.3"
SEARCHED_DATA = "digits"
SEARCH_ONLY: dict[str, object] = {  # And their defaults.
    **dict.fromkeys(("samples", "space", "scheduler", "grace_period", "rerun_epochs")),
    **dict.fromkeys(("finalists", "choice_seeds", "judge", "replicates")),
    **{"choice": None, "search": "grid", "reduction_factor": REDUCTION_FACTOR, "seed": 0, "split_seed": 0},
}
REPLICATE_TABLES = ("replicates", "replicate-sources", "replicate-pairs", "replicate-choices")
FIXED_ONLY = ("rows", "width", "mixings")
OPTIONS = (
    option("table", metavar="TABLE", help="1.3, 1.4, 1.6 or 1.7; see invsearch list"),
    place("--out", required=True, metavar="RUN", help="run folder or s3://BUCKET/RUN, new or to be resumed"),
    integer("--seeds", help="rerun seeds (default: as published, 10 or 5)"),
    integer("--rerun-epochs", help="epochs of a rerun (default: as --epochs)"),
    integer(
        "--replicates",
        metavar="R",
        help="repeat sweep, race and reruns R times with other seeds and held-out images, each in a run folder of its "
        "own within RUN, and say how much of the answer is luck (default: the folder's own; one search in a new one)",
    ),
    option("--rows", metavar="ROW[,ROW]", help="rows of Tables 1.6 and 1.7, such as ref,invC (default: all)"),
    option("--mixings", metavar="A,B,C", help="columns of Table 1.6 (default: all three)"),
    integer("--width", metavar="C", help="width of the networks of Tables 1.6 and 1.7"),
    options.DATA,
    methodcaller("set_defaults", dataset=None),
    options.SEARCH,
    CHOICE,
    *options.TRAINING,
)


@dataclass(frozen=True)
class Replicated(options.Request):
    """Searches of one experiment, each with seeds of its own; ``path`` is the folder of their run folders.

    Attributes:
        count: how many.
    """

    count: int

    def train(self, on_event: Callable[[Event], object] | None = None, command: str | None = None) -> int:
        """Trains what is left of each, one after the other.

        If a sweep has nothing to choose from, a line says so, and the next replicate begins.

        Returns:
            How many trials failed in all of them, and replicates that ended so.

        Raises:
            Halted: as ``train_run``, or the time budget was used up between two of them.
        """
        from search.cluster.session import shared_session
        from search.storage.replicates import keeping_count

        failures = 0
        with shared_session():
            for number, path in enumerate(list_replicates(self.path, self.count), start=1):
                if number > 1 and self.policy.is_time_up():
                    raise Halted(f"{TIME_IS_UP} before replicate {number} of {self.count}")
                spec = make_replicate(self.spec, number)
                seeds = f"seed {spec.seed}, split seed {spec.split_seed}"
                print(f"replicate {number} of {self.count}: {make_printable(path)} ({seeds})", file=sys.stderr)
                tell = _make_teller(number, on_event)
                one = options.Request(path, spec, self.phases, self.resources, self.policy, self.logs)
                with keeping_count(self.path, self.count) if number == 1 else nullcontext():
                    try:
                        lost = one.train(tell, command)
                    except NothingToChoose as error:
                        print(f"replicate {number}: {make_printable(error)}", file=sys.stderr)
                        failures += 1
                        continue
                options.choose_exit_code(lost, path)  # Says where they are.
                failures += lost
        return failures


def _make_teller(number: int, on_event: Callable[[Event], object] | None) -> Callable[[Event], object] | None:
    return on_event and (lambda event: on_event(replace(event, replicate=number)))


def prepare(args: argparse.Namespace) -> options.Request:
    """The experiment that the options ask for."""
    from analysis.tables import TABLES
    from search.storage.replicates import add_known, settle_count

    table = choose("table", args.table, TABLES)
    _check_options(args, table)
    seeds = table.seeds if args.seeds is None else args.seeds
    if not table.searched:
        spec = specs.make_fixed_spec(args, _parse_networks(args, table), specs.PUBLISHED, seeds)
        return options.Request(args.out, spec, ("rerun",), *options.parse_conditions(args))
    if args.replicates is not None and find_url(args.out) is not None:
        raise UserError("replicates: a bucket's URL is of one run; give each its own, or --out a folder")
    home, count = args.out, settle_count(args.out, args.replicates)
    if count is not None:
        args.out = list_replicates(home, count)[0]  # What that one was given, all of them keep.
    epochs = specs.parse_epochs(args) if args.rerun_epochs is None else args.rerun_epochs
    repeatable = "asha" if args.search == "tpe" else "halving"  # TPE hears of one trial after the other.
    _keep_choice(args)
    asked = specs.make_run_spec(args, table.architectures, seeds, epochs, repeatable)
    spec = add_choice(args, asked, read_known(args.out))
    conditions = options.parse_conditions(args)
    if count is not None:
        make_replicate(spec, count)  # Refuses a seed after which there is no room for theirs.
        return Replicated(home, add_known(home, spec, count), PHASES, *conditions, count)
    return options.Request(home, spec, PHASES, *conditions)


def run(args: argparse.Namespace) -> int:
    """Runs the experiment and prints its table, or those of its replicates."""
    request = prepare(args)
    times = request.count if isinstance(request, Replicated) else 1
    if describe_dry_run(args, request, times):
        return 0
    from search.streams import show

    failures = request.train()
    if isinstance(request, Replicated):
        for name in REPLICATE_TABLES:
            show(options.render_table(name, request.path))
        show(_say_next(request.path))
        return options.INCOMPLETE if failures else 0
    show(options.render_table(args.table, args.out), _say_next(args.out))
    return options.choose_exit_code(failures, args.out)


def _say_next(run: Path) -> str:
    report = format_command("invsearch", "report", run)
    return f"\nrecords: {make_printable(run)}; next: {report} (one page with all tables and figures)"


def _keep_choice(args: argparse.Namespace) -> None:
    """A run that was begun without a race goes on without one, unless a race is asked for."""
    asked = (args.choice, args.finalists, args.choice_seeds)
    known = read_known(args.out) if asked == (None, None, None) else None
    if known is not None and known.rerun_seeds and not known.finalists:
        args.choice = "single"
        print(
            f"{make_printable(args.out)} has no race of finalists and goes on without one; --choice race adds it",
            file=sys.stderr,
        )


def _check_options(args: argparse.Namespace, table: Table) -> None:
    """Refuses options that the table's experiment has no use for, and chooses the data set where none is named."""
    if not table.architectures:
        raise UserError(
            f"table: {args.table} shows any run and has no experiment of its own; see invsearch list tables"
        )
    for name, default in (dict.fromkeys(FIXED_ONLY) if table.searched else SEARCH_ONLY).items():
        # With a test fraction it chooses the test images.
        splits = name == "split_seed" and (args.test_fraction is not None or "test-fraction=" in str(args.dataset))
        if getattr(args, name) != default and not splits:
            what = "has fixed rows" if table.searched else "searches nothing: its configurations are fixed"
            given = name.replace("_", "-")
            raise UserError(f"{given}: Table {table.number} {what}; leave --{given} out")
    if args.dataset is None:
        if not table.searched:
            raise UserError(
                f"dataset: Table {table.number} needs colour images of 32 x 32 or 64 x 64 pixels; give --dataset "
                "cifar10, cifar100, tiny-imagenet or folder-NAME"
            )
        args.dataset = SEARCHED_DATA


def _parse_networks(args: argparse.Namespace, table: Table) -> tuple[str, ...]:
    """The rows and columns asked for, at the width asked for.

    Raises:
        UserError: a row or mixing that the table does not have.
    """
    from analysis.published.deep import MIXINGS, find_swap
    from models import name_at_width

    known = {name: swap for name in table.architectures if (swap := find_swap(name)) is not None}
    rows = _parse_listed(args.rows, "rows", [swap.row for swap in known.values()])
    mixings = _parse_listed(args.mixings, "mixings", MIXINGS)
    # Networks without mixings stand in column A, whatever columns were asked for.
    single = [row for row in rows if sum(swap.row == row for swap in known.values()) == 1]
    if args.mixings is not None and single == rows:
        raise UserError(f"mixings: {', '.join(rows)} of Table {table.number} have none; leave --mixings out")
    return tuple(
        name_at_width(name, args.width)
        for row in rows
        for name, swap in known.items()
        if swap.row == row and (row in single or swap.mixing in mixings)
    )


def _parse_listed(text: str | None, what: str, values: Sequence[str]) -> list[str]:
    """The parts of a list separated by commas, each of them known; all that are known where nothing was given."""
    known = [*dict.fromkeys(values)]
    if text is None:
        return known
    for name in options.split_names(text):
        if what == "rows" and name not in known:
            _refuse_misplaced(name)
    return [*options.parse_names(text, what, known)]


def _refuse_misplaced(name: str) -> None:
    """Refuses the name of a network in place of that of a row, and one spelled in another order."""
    from analysis.published.deep import find_swap
    from models import FAMILIES

    swap = find_swap(name)
    if swap is not None and name != swap.row:
        mixing, width = f" --mixings {swap.mixing}" * (swap.mixing != "A"), f" --width {swap.width}" * bool(swap.width)
        raise UserError(f"rows: {quote(name)} is a network; give --rows {swap.row}{mixing}{width}")
    for family in FAMILIES.values():
        family.find(name)
