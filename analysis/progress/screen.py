"""What a terminal shows of a run that goes on: the same for who runs it and for who watches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.jupyter import JupyterMixin
from rich.text import Text

from analysis.render.cells import format_theta
from spaces.common.errors import make_printable
from spaces.common.wording import format_clock, format_percent
from spaces.hyperparameters import NAMES

# In their order, and that in which a narrow terminal gets them.
PLACES = (
    *("architecture", "phase", "trials", "running", "waiting", "unfinished", "diverged", "failed", "stopped"),
    *("completed", "best", "so far", "epochs left", "s/epoch", "incumbent"),
)
NEEDED = ("architecture", "trials", "best", "phase", "running", "waiting", "unfinished", "diverged", "failed")
WANTED = (*NEEDED, "stopped", "epochs left", "so far", "s/epoch", "completed", "incumbent")
ALWAYS = NEEDED[:3]
LEFT = ("architecture", "phase", "so far", "incumbent")  # Columns of words; the others are numbers.
BARS, PLAIN_BARS = "▁▂▃▄▅▆▇█", "_.-=+*%#"
SPARKS = 12
GAP = "  "


@dataclass(frozen=True)
class Going:
    """A trial that is being trained.

    Attributes:
        theta: its configuration, as text.
        epoch: the last one that was recorded.
        budget: the epochs that it was given.
        accuracy: after that epoch, a fraction; None before the first.
    """

    theta: str
    epoch: int
    budget: int
    accuracy: float | None

    def __str__(self) -> str:
        if not self.epoch:
            return f"epoch 1 of {self.budget} begins: {self.theta}"
        reached = "" if self.accuracy is None else f", {format_percent(self.accuracy)}"
        return f"epoch {self.epoch} of {self.budget}{reached}: {self.theta}"


@dataclass(frozen=True)
class Row:
    """One architecture in one phase.

    Attributes:
        architecture: its name.
        planned: trials in all.
        ended: how many of them have.
        counts: further counts of trials, by their heading; zeros are not shown.
        best: the accuracy that stands for it, as text.
        course: what that was after each trial that was trained to the end; drawn as a line of bars.
        phase: only shown if the rows differ in it.
        epochs_left: to be expected.
        pace: seconds of an epoch, None before the first.
        going: the trials that run.
        which: the trial id of the incumbent.
    """

    architecture: str
    planned: int
    ended: int
    counts: Mapping[str, int]
    best: str
    course: Sequence[float] = ()
    phase: str = ""
    epochs_left: float | None = None
    pace: float | None = None
    going: Sequence[Going] = field(default=())
    which: str = ""

    def write_cells(self, plain: bool) -> dict[str, str]:
        """Its cells by heading; an empty one is not worth a column."""
        left = "" if self.epochs_left is None or self.ended == self.planned else f"{self.epochs_left:,.0f}"
        return {
            "architecture": self.architecture,
            "phase": self.phase,
            "trials": f"{self.ended}/{self.planned}",
            "best": self.best,
            "so far": draw_bars(self.course, SPARKS, plain),
            **{name: f"{count}" if count else "" for name, count in self.counts.items()},
            "incumbent": self.which,
            "epochs left": left,
            "s/epoch": "" if self.pace is None else f"{self.pace:.2g}" if self.pace < 10.0 else f"{self.pace:.0f}",
        }


@dataclass(frozen=True)
class Screen(JupyterMixin):
    """All of it, for ``rich`` to draw in the columns and lines that there are.

    Attributes:
        title: what this is.
        timing: how long it has taken, and will.
        done: epochs on record.
        left: epochs to be expected.
        rows: one for each architecture.
        notes: lines below.
        best: heading of the accuracies.
        crops: whether rows are left out that the terminal has no lines for.
    """

    title: str
    timing: str
    done: float
    left: float
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    best: str = "best"
    crops: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        width, plain = options.max_width, options.ascii_only
        yield from (Text(make_printable(line), overflow="fold") for line in self._write_head(width, plain))
        room = max(4, console.height - 4 - len(self.notes)) if self.crops else 10_000
        table = self._write_table(width, room, plain)
        for style, line in table:
            yield Text(line, style, no_wrap=True, overflow="ellipsis")
        yield from (Text(make_printable(line), overflow="fold") for line in self.notes)

    def _write_head(self, width: int, plain: bool) -> list[str]:
        total = self.done + max(0.0, self.left)
        about = "about " * (self.left > 0.0)
        amount = f"{self.done:,.0f} of {about}{total:,.0f} epochs" if total else ""
        words = GAP.join(filter(None, [self.title, amount, self.timing]))
        if not total:
            return [words]
        bar = draw_bar(self.done / total, min(40, width), plain)
        return [f"{bar}{GAP}{words}"] if len(bar) + 2 + len(words) <= width else [words, bar]

    def _write_table(self, width: int, room: int, plain: bool) -> list[tuple[str, str]]:
        """(style, line), the headings first."""
        shown, hidden = list(self.rows), ""
        if len(shown) > room - 1:  # Those that run matter most, then those that have begun.
            ranked = sorted(shown, key=lambda row: (not row.going, row.ended == row.planned, not row.ended))
            kept = ranked[: room - 2]
            shown = [row for row in shown if row in kept]
            hidden = f".. and {len(self.rows) - len(shown)} more"
        cells = [row.write_cells(plain) for row in shown]
        names = _choose_columns(cells, width, self.best)
        widths = {name: max([len(head), *(len(row.get(name, "")) for row in cells)]) for name, head in names.items()}

        def join(texts: Mapping[str, str]) -> str:
            return GAP.join(
                texts.get(name, "").ljust(widths[name]) if name in LEFT else texts.get(name, "").rjust(widths[name])
                for name in names
            ).rstrip()

        lines = [("bold", join(names))]
        details = len(shown) + sum(bool(row.going) for row in shown) < room
        for row, texts in zip(shown, cells, strict=True):
            lines.append(("", join({name: texts.get(name, "") or ("-" if name == "best" else "") for name in names})))
            if row.going and details:
                more = f" (and {len(row.going) - 1} more)" if len(row.going) > 1 else ""
                lines.append(("dim", f"{GAP}{row.going[0]}{more}"))
        return lines + [("dim", hidden)] * bool(hidden)


def _choose_columns(cells: Sequence[Mapping[str, str]], width: int, best: str) -> dict[str, str]:
    """The columns that fit, each with its heading, in their order; those that are empty are left out."""
    used = [name for name in WANTED if name in ALWAYS or any(row.get(name) for row in cells)]
    if len({row["phase"] for row in cells}) < 2:
        used = [name for name in used if name != "phase"]
    heads = {name: best if name == "best" else name for name in used}
    sizes = {name: max([len(heads[name]), *(len(row.get(name, "")) for row in cells)]) for name in used}
    names: list[str] = []
    for name in used:
        if sum(sizes[other] + len(GAP) for other in names) + sizes[name] <= width or not names:
            names.append(name)
    return {name: heads[name] for name in PLACES if name in names}


def describe_theta(theta: Mapping[str, Any]) -> str:
    """A configuration in few words: ``{0.1, 0.5, 1e-5, 1.5}``, with further hyperparameters by their names."""
    short = {name: value for name, value in theta.items() if name in NAMES}
    further = format_theta({name: value for name, value in theta.items() if name not in NAMES}, pairs=True)
    return format_theta(short, pairs=False) + (f", {further}" if further else "")


def draw_bar(fraction: float, width: int, plain: bool = False) -> str:
    """A bar of so many columns, filled to a fraction."""
    full = min(width, max(0, int(fraction * width)))
    return "#" * full + "." * (width - full) if plain else "━" * full + "╌" * (width - full)


def draw_bars(values: Sequence[float], width: int, plain: bool = False) -> str:
    """A sparkline: one bar for each value, between the lowest and the highest; at most ``width``, evenly chosen.

    >>> draw_bars([0.5, 0.75, 1.0], 12)
    '▁▅█'
    """
    bars = PLAIN_BARS if plain else BARS
    if len(values) > width:
        values = [values[round(place * (len(values) - 1) / (width - 1))] for place in range(width)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if low == high:
        return bars[0] * len(values)
    return "".join(bars[round((value - low) / (high - low) * 7 + 1e-9)] for value in values)


def format_timing(elapsed: float, left: float | None) -> str:
    """How long it has taken, and will: ``0:01:32 elapsed, about 0:03:10 left``."""
    return f"{format_clock(elapsed)} elapsed" + ("" if left is None else f", about {format_clock(left)} left")
