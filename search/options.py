"""Options that several commands share, and the run they describe."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from search.cluster.resources import Resources
from search.cluster.surroundings import find_address, set_environment
from search.datasets import FORMS
from search.option_types import flag, integer, make_group, number, option, parse_seconds, place
from search.planning.asked import DRY
from search.resource_options import RESOURCES, check_packs
from search.storage.identity import measure_age
from search.storage.places.urls import find_url, refresh
from search.tuning.policy import KEPT, Policy
from spaces import SPACES, UserError
from spaces.common.errors import make_printable
from spaces.common.lookup import choose
from spaces.common.wording import format_command, format_count
from spaces.specs.protocol import GRACE_PERIOD, MAX_EPOCHS, PHASES, REDUCTION_FACTOR, SCHEDULERS, SEARCHES
from spaces.specs.recipes import RECIPES
from spaces.specs.run import RunSpec

if TYPE_CHECKING:
    from analysis.records.reader import Run
    from search.tuning.events import Event

DRAWN = 64  # Configurations of a search that draws them: random and tpe.
INCOMPLETE = 3
OWN = (
    option("--resize", metavar="N|HxW", help="resize the images of images:FOLDER to this size in pixels"),
    option(
        "--test-fraction",
        metavar="F",
        help="share of test images for an images:FOLDER without a test part, such as 0.2",
    ),
    integer("--split-seed", default=0, help="seed of the held-out split, and of --test-fraction (default 0)"),
)
DATA = make_group(
    "data",
    option(
        "--dataset",
        default="digits",
        metavar="NAME|PATH",
        help=f"data set: digits (default), mnist, cifar10, .., or data of your own: {', '.join(FORMS)} (docs/data.md)",
    ),
    option(
        "--recipe",
        choices=[*RECIPES],
        help="schedule and augmentation instead of the data set's own (docs/protocol.md): none, steps (lr steps only), "
        "crops (lr steps and crops, no flips), cifar or tiny-imagenet",
    ),
    integer("--batch-size", help="images per step (default: the data set's own)"),
    integer("--seed", default=0, help="seed of the sweep's trials; reruns and train use those after it (default 0)"),
    *OWN,
)
SEARCH = make_group(
    "search",
    option("--search", choices=SEARCHES, default="grid", help="grid (default), random draws, or tpe (hyperopt)"),
    option("--space", metavar="NAME|FILE", help=f"{', '.join(SPACES)}, or a YAML file (default: depends on --search)"),
    integer("--samples", help=f"configurations per architecture (default: the whole grid; random and tpe: {DRAWN})"),
    option(
        "--scheduler",
        choices=SCHEDULERS,
        help="what stops trials early: asha; halving, which stops the same trials in every repetition; or none "
        "(default: the run's own; in a new run asha, with reproduce halving)",
    ),
    integer(
        "--grace-period",
        help=f"epochs before a trial may be stopped (default: the run's own; {GRACE_PERIOD} in a new run)",
    ),
    integer(
        "--epochs", help=f"maximum epochs of a trial (default: the data set's own, {MAX_EPOCHS} for digits and mnist)"
    ),
    number(
        "--reduction-factor",
        default=REDUCTION_FACTOR,
        metavar="ETA",
        help=f"the top 1/ETA of the trials continue past each rung (default {REDUCTION_FACTOR:g})",
    ),
    *DRY,
)
INVOCATION = make_group(
    "this invocation",
    integer("--max-concurrent", help="maximum number of trials at once (default: as many as fit)"),
    option(
        "--time-budget",
        type=parse_seconds,
        metavar="TIME",
        help="stop cleanly this long after the start of the program, such as 90s, 30m or 1h30m (a number alone: "
        "seconds), once the epochs in progress are recorded; run the command again to resume. Starting Ray and its "
        "workers counts (10 to 20 s)",
    ),
    option(
        "--on-end",
        metavar="COMMAND",
        help="shell command to run at the end, whatever the exit code, unless options are refused or the program is "
        "killed; INVSEARCH_EXIT_CODE and INVSEARCH_RUN are set",
    ),
    flag("--retry-failed", help="retry failed trials from their last epoch"),
    option(
        "--keep-checkpoints",
        choices=KEPT,
        default="none",
        help="keep the last checkpoint of finished trials: none (default), each architecture's best, or all",
    ),
    flag(
        "--accept-changes", help="resume even if the code, libraries or engine have changed; each row says what made it"
    ),
    place(
        "--reuse",
        metavar="RUN",
        help="take over from another run, a folder or a URL, what it has trained of the trials that this run asks for; "
        "those that were stopped are judged again (docs/resume.md)",
    ),
    flag("--force", help="take the run over from a driver on another machine that did not sign off"),
    option(
        "--log",
        action="append",
        default=[],
        metavar="NAME",
        help="also keep a log for tensorboard or mlflow under RUN/log; repeat the option, or separate both names by a "
        "comma (default: none)",
    ),
)
TRAINING = (RESOURCES, INVOCATION)


def split_names(text: str) -> tuple[str, ...]:
    """The parts of a list separated by commas, each once.

    >>> split_names("conv, dct,conv,")
    ('conv', 'dct')
    """
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def parse_logs(args: argparse.Namespace) -> tuple[str, ...]:
    """The loggers asked for, each once.

    Raises:
        UserError: an unknown one, or one whose library is not installed.
    """
    names = split_names(",".join(args.log))
    place = getattr(args, "out", None) or getattr(args, "run", None)
    if names and place is not None and find_url(place) is not None:
        raise UserError("log: a run in a bucket keeps no logs for other programs; leave --log out")
    if names:
        from search.loggers import LOGGERS
        from search.loggers.exporter import check_installed

        for name in names:
            choose("log", name, LOGGERS)
        check_installed(names)
    return names


def make_policy(args: argparse.Namespace) -> Policy:
    """How the invocation treats the run.

    Raises:
        UserError: a number that is not allowed.
    """
    given = {field.name: getattr(args, field.name) for field in fields(Policy) if field.name != "started"}
    return Policy(**given, started=time.monotonic() - max(0.0, measure_age()))


@dataclass(frozen=True)
class Request:
    """What is to be trained, and how: all that a command, or ``import invsearch``, has read from its options.

    Attributes:
        path: the run folder.
        spec: what to train.
        phases: of ``PHASES``, in their order.
        resources: what each trial gets.
        policy: how this invocation treats the run.
        logs: names of loggers.
    """

    path: Path
    spec: RunSpec
    phases: tuple[str, ...]
    resources: Resources
    policy: Policy
    logs: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.resources.lanes > 1 and "sweep" in self.phases:
            check_packs(self.spec)

    def train(self, on_event: Callable[[Event], object] | None = None, command: str | None = None) -> int:
        """Trains what is left of the run; returns how many trials failed. See ``search.tuning.phases.train_run``."""
        if on_event is None:
            from search.planning.announce import announce, describe_phases

            announce(*describe_phases(self.spec, self.phases, self.path))
        from search.tuning.choice import plan_choice
        from search.tuning.phases import train_run
        from search.tuning.rerun import plan_rerun
        from search.tuning.sweep import plan_sweep

        plans = {"sweep": plan_sweep, "choice": plan_choice, "rerun": plan_rerun}
        chosen = [plans[name] for name in self.phases]
        failed = train_run(self.path, self.spec, chosen, self.resources, self.policy, self.logs, on_event, command)
        refresh(self.path)
        return failed


def parse_conditions(args: argparse.Namespace) -> tuple[Resources, Policy, tuple[str, ...]]:
    """Resources, policy and loggers asked for; from here on the environment is as Ray needs it.

    Raises:
        UserError: something that is not allowed, or a logger that is not installed.
    """
    logs = parse_logs(args)
    asked = Resources(args.cpus_per_trial, args.gpus_per_trial, find_address(args.address), args.engine, args.pack)
    set_environment(asked)
    return asked, make_policy(args), logs


def parse_names(text: str, what: str, known: Sequence[str]) -> tuple[str, ...]:
    """The parts of a list separated by commas, each of them known.

    Raises:
        UserError: none, or one that is unknown.
    """
    names = split_names(text)
    for name in names:
        choose(what, name, dict.fromkeys(known))
    if not names:
        raise UserError(f"{what}: give at least one of {', '.join(known)}")
    return names


def parse_architectures(text: str, run: Path | None = None) -> tuple[str, ...]:
    """Names of architectures from a list separated by commas; see ``search.architectures.find_names``."""
    from search.architectures import find_names

    return find_names(split_names(text), run)


def render_table(name: str, run: Path) -> str:
    """A table of a run, or of all replicates in a folder, as Markdown."""
    from analysis.records.reader import read_runs
    from analysis.render.formats import write_markdown
    from analysis.tables import TABLES
    from search.streams import find_width

    return write_markdown(TABLES[name].build(*read_runs([run])), find_width()).rstrip()


def choose_exit_code(failures: int, run: Path, *phases: str) -> int:
    """0, or ``INCOMPLETE`` with a line about each of these phases (by default of all) in which trials failed."""
    if failures:
        from analysis.records.reader import read_run

        refresh(run)
        failed = read_run(run).trials.query("status == 'failed'")["phase"].value_counts()
        for phase in filter(failed.get, phases or PHASES):
            see = format_command("invsearch", "status", run, "--phase", phase, "--filter", "status=failed")
            print(f"{format_count(failed[phase], 'trial')} failed; see: {see}", file=sys.stderr)
    return INCOMPLETE if failures else 0


def name_damaged(found: Run) -> int:
    """Says which files of a run could not be read; returns ``INCOMPLETE`` if there are any, else 0."""
    for path, reason in found.damaged:
        see = format_command("invsearch", "check", found.path)
        print(f"invsearch: {make_printable(path)}: {reason}; left out; see {see}", file=sys.stderr)
    return INCOMPLETE if found.damaged else 0
