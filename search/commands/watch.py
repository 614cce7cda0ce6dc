"""``invsearch watch``: follows a run from another terminal, by its records alone."""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.commands import option_types, options
from spaces.common.errors import printable
from spaces.common.wording import format_clock, format_command, format_count, format_tally

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Group

    from analysis.progress.outlook import Part
    from analysis.records.reader import Run
    from search.storage.driver import Driver

NAME = "watch"
HELP = "follow a run from another terminal until nothing is left to do; Ctrl-C ends it and harms nothing"
EXAMPLE = "invsearch watch runs/first --interval 2"
LAST = 5
WIDE = 120  # Columns that it takes to name the incumbents too.
COLUMNS = ("planned", "completed", "stopped", "diverged", "failed", "unfinished")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("run", type=option_types.parse_folder, metavar="RUN", help="run folder")
    add("--interval", type=parse_positive, default=2.0, metavar="SECONDS", help="seconds between updates (default 2)")
    add("--once", action="store_true", help="show the state once")


def parse_positive(text: str) -> float:
    """An argparse type: a number of seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value <= 86400.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give seconds above 0, such as 2 or 0.5")
    return value


@dataclass(frozen=True, eq=False)
class View:
    """What there is to show of a run at one moment.

    Attributes:
        run: its records.
        parts: its architectures and phases.
        driver: who works on it, or None.
        rate: epochs per minute, None while no driver is working on it.
        now: Unix seconds.
    """

    run: Run
    parts: list[Part]
    driver: Driver | None
    rate: float | None
    now: float

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not any(part.left for part in self.parts)

    @property
    def told(self) -> dict[str, str]:
        """What a plain line tells of each part that has begun: everything but epochs and the pace."""
        return {
            f"{part.architecture} {part.phase}": _tell_changes(part) for part in self.parts if any(part.counts.values())
        }

    @property
    def state(self) -> tuple[Any, ...]:
        """What a plain line is printed for when it changes."""
        return self.told, self.ended(), self.driver and self.driver.text, len(self.run.damaged)

    def ended(self) -> str:
        """How many of all trials have ended."""
        return f"{sum(part.ended for part in self.parts)}/{sum(part.planned for part in self.parts)} ended"

    def driven(self) -> str:
        """Whether a driver is working on it, and which."""
        return "no driver is working on it" if self.driver is None else f"driven by {self.driver.text}"

    def pace(self) -> str:
        """Epochs per minute and the time left."""
        if self.is_done:
            return "nothing is left to do"
        if self.rate is None:
            return f"about {format_count(sum(part.epochs_left for part in self.parts), 'epoch')} left"
        left = 60.0 * sum(part.epochs_left for part in self.parts) / self.rate
        pace = f"{self.rate:.0f}" if self.rate >= 10.0 else f"{self.rate:.2g}"
        return f"{pace} epochs per minute, about {format_clock(left)} left"

    def damage(self) -> str:
        """How many records cannot be read; empty where all can."""
        count = len(self.run.damaged)
        return f"{count} cannot be read, see: {format_command('invsearch', 'check', self.run.path)}" if count else ""


def run(args: argparse.Namespace) -> int:
    """Follows; 0 when nothing is left to do, ``INCOMPLETE`` where a record cannot be read."""
    from analysis.records.following import Follower
    from search.streams import make_console as console_of

    console = console_of(standard_error=False)
    if not console.is_interactive:
        console.width = WIDE  # Nothing is there to wrap lines for.
    follower = Follower(args.run)
    view = look(follower, Path(args.run))
    if args.once:
        console.print(make_view(view, console.width))
    else:
        follow = follow_live if console.is_interactive else follow_plainly
        view = follow(follower, view, args.interval, console)
    return options.name_damaged(view.run)


def look(follower: Any, path: Path) -> View:
    """The state now.

    Raises:
        UserError: not a run folder.
    """
    from analysis.progress.outlook import compute_epochs_per_minute, list_parts
    from search.storage.driver import driver

    # The driver first: one that ends meanwhile has written all that is read then.
    now, driven = time.time(), driver(path)
    found = follower.read()
    return View(found, list_parts(found), driven, driven and compute_epochs_per_minute(found, now, driven.born), now)


def follow_live(follower: Any, view: View, interval: float, console: Any) -> View:
    """Shows tables in place until nothing is left to do; returns the last state."""
    from rich.live import Live

    with Live(make_view(view, console.width), console=console, auto_refresh=False) as live:
        while not view.is_done:
            time.sleep(interval)
            view = look(follower, view.run.path)
            live.update(make_view(view, console.width), refresh=True)
    return view


def follow_plainly(follower: Any, view: View, interval: float, console: Any) -> View:
    """Prints a line for each change until nothing is left to do; returns the last state."""
    print(printable(line(view)), flush=True)
    while not view.is_done:
        time.sleep(interval)
        before, view = view, look(follower, view.run.path)
        if view.state != before.state:
            print(printable(line(view, before)), flush=True)
    return view


def line(view: View, before: View | None = None) -> str:
    """The state in one line; of the parts only those that changed since another one."""
    known = before.told if before else {}
    changed = [f"{name} {told}" for name, told in view.told.items() if known.get(name) != told]
    ends = [view.pace(), view.driven(), view.damage()]
    return " | ".join([time.strftime("%T", time.localtime(view.now)), view.ended(), *changed, *filter(None, ends)])


def _tell_changes(part: Part) -> str:
    ends = {status: part.counts[status] for status in COLUMNS[2:]}
    return f"{format_tally(part.ended, part.planned, ends)}, {summarize_view(part)}"


def summarize_view(part: Part) -> str:
    """The incumbent, or the mean of the reruns."""
    name = "incumbent" if part.phase == "sweep" else "mean"
    if math.isnan(part.accuracy):
        return f"{name} -"
    which = f" ({part.incumbent})" if part.incumbent else ""
    return f"{name} {100.0 * part.accuracy:.2f} %{which}"


def make_view(view: View, width: int) -> Group:
    """The state as tables, for so many columns."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from analysis.progress.outlook import find_last_ended

    # Without what is zero everywhere the headings of most runs fit 80 columns.
    statuses = [name for name in COLUMNS[1:] if name == COLUMNS[1] or any(part.counts[name] for part in view.parts)]
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for column in ("architecture", "phase"):
        table.add_column(column, no_wrap=True)
    for column in (COLUMNS[0], *statuses, "accuracy"):
        table.add_column(column, justify="right", no_wrap=True)
    if width >= WIDE:
        table.add_column("incumbent", no_wrap=True)
    for part in view.parts:
        counts = (str(part.counts[status]) for status in statuses)
        accuracy = "-" if math.isnan(part.accuracy) else f"{100.0 * part.accuracy:.2f} %"
        which = [part.incumbent or "-"] if width >= WIDE else []
        table.add_row(part.architecture, part.phase, str(part.planned), *counts, accuracy, *which)
    lines = [f"{view.run.path}: {view.driven()}", view.pace(), view.damage()]
    said = [Text(printable(text), overflow="fold") for text in lines if text]
    ended = find_last_ended(view.run, LAST)
    return Group(*said[:1], table, *said[1:], *([_find_latest(ended)] if len(ended) else []))


def _read_clock(moment: float) -> str:
    """The time of day of Unix seconds; a dash where a record says what no clock can show."""
    try:
        return time.strftime("%T", time.localtime(moment))
    except (ValueError, OverflowError, OSError):
        return "-"


def _find_latest(ended: pd.DataFrame) -> Any:
    from rich.table import Table

    table = Table(title="ended last", title_justify="left", box=None, pad_edge=False, show_header=False)
    for trial in ended.to_dict("records"):
        judged = ("val", "test")[trial["phase"] == "rerun"]
        accuracy = trial[f"{judged}_accuracy"]
        table.add_row(
            _read_clock(trial["time"]),
            trial["trial_id"],
            trial["status"],
            f"epoch {trial['epoch']}",
            "-" if math.isnan(accuracy) else f"{100.0 * accuracy:.2f} % {judged}",
        )
    return table
