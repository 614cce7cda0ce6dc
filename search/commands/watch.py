"""``invsearch watch``: follows a run from another terminal, by its records alone."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from search import options
from search.option_types import RUN, flag, option, parse_interval, parse_whole
from search.streams import rename
from spaces.common.errors import make_printable
from spaces.common.wording import format_clock, format_command, format_count, format_percent, format_tally
from spaces.specs.protocol import JUDGED_ON

if TYPE_CHECKING:
    from rich.console import Group

    from analysis.progress.outlook import Part
    from analysis.records.following import Follower

HELP = "follow a run from another terminal until nothing is left to do; Ctrl-C ends only the watching"
EXAMPLE = "invsearch watch runs/first --interval 2"
LAST = 5
WIDE = 120  # Columns that it takes to name the incumbents too.
COLUMNS = ("planned", "completed", "stopped", "diverged", "failed", "unfinished")
OPTIONS = (
    RUN,
    option(
        "--interval", type=parse_interval, default=2.0, metavar="SECONDS", help="seconds between updates (default 2)"
    ),
    flag("--once", help="show the state once"),
    option(
        "--serve",
        nargs="?",
        type=parse_whole,
        const=0,
        metavar="PORT",
        help="serve a live page on 127.0.0.1: the report with its plots, refreshed from the records, of a run or of "
        "all runs below a folder given as RUN (default port: any free one)",
    ),
)


class View:
    """What there is to show of a run at one moment.

    Attributes:
        told: what a plain line tells of each part that has begun: everything but epochs and the pace.
        driven: whether a driver is working on it, and which.
        pace: epochs per minute and the time left.
        damage: how many records cannot be read; empty where all can.

    Raises:
        UserError: not a run folder.
    """

    def __init__(self, follower: Follower, path: Path):
        from analysis.progress.outlook import compute_epochs_per_minute, estimate_time_left, list_parts
        from search.storage.driver import find_driver
        from search.storage.places.urls import refresh

        refresh(path)
        # The driver first: one that ends meanwhile has written all that is read then.
        self.now, at_work = time.time(), find_driver(path)
        self.run, self.at_work = follower.read(), at_work is not None
        self.parts = list_parts(self.run)
        self.is_done = not any(part.left for part in self.parts)
        begun = (part for part in self.parts if any(part.counts.values()))
        self.told = {f"{part.architecture} {part.phase}": describe_part(part) for part in begun}
        self.ended = f"{sum(part.ended for part in self.parts)}/{sum(part.planned for part in self.parts)} ended"
        self.driven = f"driven by {at_work.text}" if at_work else "no driver is working on it"
        self.pace = "nothing is left to do"
        left = sum(part.epochs_left for part in self.parts)
        rate = at_work and compute_epochs_per_minute(self.run, self.now, at_work.born)
        if not self.is_done:
            self.pace = f"about {format_count(left, 'epoch')} left"
            if rate is not None and at_work is not None:
                seconds = estimate_time_left(self.run, self.parts, self.now, at_work.born) or 60.0 * left / rate
                pace = f"{rate:.0f}" if rate >= 10.0 else f"{rate:.2g}"
                self.pace = f"{pace} epochs per minute, about {format_clock(seconds)} left"
        see, count = format_command("invsearch", "check", self.run.path), len(self.run.damaged)
        self.damage = f"{count} cannot be read, see: {see}" if count else ""

    def write_line(self, before: View | None = None) -> str:
        """The state in one line; of the parts only those that changed since another one."""
        known = before.told if before else {}
        changed = [f"{name} {told}" for name, told in self.told.items() if known.get(name) != told]
        ends = filter(None, [self.pace, self.driven, self.damage])
        return make_printable(" | ".join([time.strftime("%T", time.localtime(self.now)), self.ended, *changed, *ends]))


def run(args: argparse.Namespace) -> int:
    """Follows; 0 when nothing is left to do, ``INCOMPLETE`` where a record cannot be read."""
    if args.serve is not None:
        return serve(args.run, args.serve)
    from rich.live import Live

    from search.streams import make_console

    console = make_console(standard_error=False)
    if not console.is_interactive:
        console.width = WIDE  # Nothing is there to wrap lines for.
    views = follow(args.run, args.interval)
    view = next(views)
    if args.once:
        console.print(make_view(view))
    elif console.is_interactive:
        with Live(make_view(view, crops=True), console=console, auto_refresh=False) as live:
            for view in views:
                live.update(make_view(view, crops=True), refresh=True)
    else:
        print(view.write_line(), flush=True)
        before = view
        for view in views:
            if any(getattr(view, name) != getattr(before, name) for name in ("told", "ended", "driven", "damage")):
                print(view.write_line(before), flush=True)
            before = view
    return options.name_damaged(view.run)


def serve(path: Path, port: int) -> int:
    """Answers until a signal comes, which ends the program.

    Raises:
        UserError: no folder there, or the port is taken.
    """
    from search.live.server import LiveServer

    with LiveServer(path, port, lambda follower, run: View(follower, run).write_line()) as server:
        print(f"{make_printable(path)}: {server.url} (Ctrl-C ends it and harms nothing)", flush=True)
        server.serve_forever()
    return 0


def follow(path: Path, interval: float) -> Iterator[View]:
    """The state of a run again and again until nothing is left to do.

    Raises:
        UserError: not a run folder.
    """
    from analysis.records.following import Follower

    follower = Follower(path)
    yield (view := View(follower, path))
    while not view.is_done:
        time.sleep(interval)
        yield (view := View(follower, path))


def describe_part(part: Part) -> str:
    """How many of its trials ended and how, and the incumbent's accuracy, that of who is ahead, or the reruns' mean."""
    ends = {status: part.counts[status] for status in COLUMNS[2:]}
    name = {"sweep": "incumbent", "choice": "ahead", "rerun": "mean"}[part.phase]
    which = f" ({part.incumbent})" if part.incumbent else ""
    return f"{format_tally(part.ended, part.planned, ends)}, {name} {format_percent(part.accuracy)}{which}"


def make_view(view: View, crops: bool = False) -> Group:
    """The state as tables; ``crops`` leaves rows out that the terminal has no lines for."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from analysis.progress.outlook import find_last_ended
    from analysis.progress.screen import Row, Screen

    rows = [
        Row(
            part.architecture,
            part.planned,
            part.ended,
            {name: part.counts[name] for name in COLUMNS[1:]},
            format_percent(part.accuracy),
            part.course,
            part.phase,
            part.epochs_left,
            part.stand.seconds / part.stand.epochs if part.stand.epochs else None,
            part.going if view.at_work else (),
            part.incumbent or "",
        )
        for part in view.parts
    ]
    done, left = sum(part.stand.done for part in view.parts), sum(part.epochs_left for part in view.parts)
    latest = Table(title="ended last", title_justify="left", box=None, pad_edge=False, show_header=False)
    for trial in find_last_ended(view.run, LAST).to_dict("records"):
        judged = JUDGED_ON[trial["phase"]]
        accuracy = trial[f"{judged}_accuracy"]
        said = format_percent(accuracy) + ("" if math.isnan(accuracy) else f" {judged}")
        latest.add_row(format_time(trial["time"]), trial["trial_id"], trial["status"], f"epoch {trial['epoch']}", said)
    notes = [view.damage] * bool(view.damage)
    first = Text(make_printable(rename(f"{view.run.path}: {view.driven}")), overflow="fold")
    screen = Screen("", view.pace, done, left, rows, notes, "accuracy", crops)
    return Group(first, screen, *[latest] * bool(latest.rows))


def format_time(moment: float) -> str:
    """The time of day of Unix seconds; a dash where a record says what no clock can show."""
    try:
        return time.strftime("%T", time.localtime(moment))
    except (ValueError, OverflowError, OSError):
        return "-"
