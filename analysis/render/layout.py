"""What both renderers must agree on: which axes run down, where ticks stand, what the legend lists."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from analysis.figures.figure import Axis, Drawing, Heat, Line, Mark, Panel, Series
from analysis.render.cells import format_compact
from analysis.render.theme import Look, choose_cell_ink, choose_look

DECADES = 2.5  # Below which 2 and 5 are marked too.
MOST_TICKS = 9
LETTERS, LEAST_LETTERS = 48, 9  # How wide the names below an axis are together, and each at least.
LONGEST = 32  # Letters of a name in one line; those of the chapter are shorter.
PIECES = re.compile(r"[^\s_@+:/.-]*[\s_@+:/.-]|[^\s_@+:/.-]+")
Kind = TypeVar("Kind", bound=Mark)


class Entry(NamedTuple):
    """One entry of a legend: its text, whose look it has, that look, and whether the line is dashed."""

    label: str
    group: str
    look: Look
    dashed: bool

    @property
    def marked(self) -> bool:
        """Whether the line has markers: another cue beside the colour."""
        return not self.dashed and self.look.number >= 0


def place_legend(drawing: Drawing) -> list[Entry]:
    """What a legend of the whole figure lists: the groups in their order, then what belongs to none."""
    found: dict[tuple[str, str], Entry] = {}
    for mark in (mark for panel in drawing.panels for mark in panel.marks):
        if isinstance(mark, Line) and mark.label:
            look = choose_look(mark.group, drawing.groups)
            found.setdefault((mark.label, mark.group), Entry(mark.label, mark.group, look, mark.dashed))
    order = {group: place for place, group in enumerate(drawing.groups)}
    return sorted(found.values(), key=lambda entry: order.get(entry.group, len(order)))


def find_mark(panel: Panel, kind: type[Kind]) -> Kind | None:
    """The first mark of a kind in a panel, or None."""
    return next((mark for mark in panel.marks if isinstance(mark, kind)), None)


def sort_downwards(panel: Panel) -> bool:
    """Whether the first category stands at the top, as in a table; heat maps have numbers on their axes."""
    return bool(panel.y.categories) and find_mark(panel, Heat) is None


def list_heat_cells(mark: Heat) -> Iterator[tuple[int, int, str, tuple[str, str]]]:
    """(row, column, text, its colours on white and on dark) of every cell of a heat map that is not blank."""
    for row, column in np.argwhere(np.isfinite(mark.z)).tolist():
        value = float(mark.z[row, column])
        yield row, column, f"{value:.1f}", choose_cell_ink((value - mark.low) / ((mark.high - mark.low) or 1.0))


def break_name(name: str, wide: int = LONGEST) -> str:
    """A long name in lines of at most so many letters, broken after a space or a mark where there is one."""
    if len(name) <= wide:
        return name
    lines = [""]
    pieces = (part[place : place + wide] for part in PIECES.findall(name) for place in range(0, len(part), wide))
    for piece in pieces:
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > wide:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def count_lines(panel: Panel) -> int:
    """The lines that the names of a panel's vertical axis take below each other."""
    return sum(1 + break_name(name).count("\n") for name in panel.y.categories)


def find_limits(axis: Axis) -> tuple[float | None, float | None]:
    """Where an axis begins and ends; half a step around its categories."""
    if axis.categories:
        last = len(axis.categories) - 0.5
        return -0.5 if axis.low is None else axis.low, last if axis.high is None else axis.high
    start = axis.low if axis.focus is None else axis.focus
    low, high = (value if value is None or np.isfinite(value) else None for value in (start, axis.high))
    if low is not None and high is not None and not low < high:
        return None, None  # A single value, which the data may lie around.
    return low, high


def choose_step(panel: Panel, side: Literal["x", "y"]) -> int:
    """The distance of the ticks of an axis on which only whole numbers make sense: 1, 2, 5, 10 and so on."""
    columns = [np.asarray(getattr(mark, side), float) for mark in panel.marks if isinstance(mark, Series)]
    values = np.concatenate([*columns, [0.0]])
    least = max(1.0, float(np.nanmax(values)) / MOST_TICKS)
    decade = 10.0 ** np.floor(np.log10(least))
    return int(next(step * decade for step in (1, 2, 5, 10) if step * decade >= least))


def format_tick(value: float) -> str:
    """A number at an axis: 1000, 0.25, 1e-5."""
    value = value or 0.0  # Not -0.
    text = format_compact(float(f"{value:.4g}"))
    return f"{value:.4g}" if "e+" in text else text.removesuffix(".0")


def choose_ticks(panel: Panel, side: Literal["x", "y"]) -> list[tuple[float, str]]:
    """The labels of an axis with categories, or a logarithmic one, and their places; on others the renderer chooses.

    Numbers are powers of ten, and also 2 and 5 where these are few. Long names are broken into lines.
    """
    axis: Axis = getattr(panel, side)
    if axis.categories and side == "x":
        wide = max(LEAST_LETTERS, LETTERS // len(axis.categories))
        broken = ["\n".join(textwrap.wrap(name, wide, break_long_words=False)) for name in axis.categories]
        return [(place, lines or name) for place, (lines, name) in enumerate(zip(broken, axis.categories, strict=True))]
    if axis.categories or not axis.log:
        return list(enumerate(map(break_name, axis.categories)))
    columns = [getattr(mark, side) for mark in panel.marks if isinstance(mark, Series)]
    values = np.concatenate([np.asarray(column, float) for column in [*columns, [axis.low or 0, axis.high or 0]]])
    values = np.log10(values[np.isfinite(values) & (values > 0)])
    if not len(values):
        return []
    low, high = values.min() - 0.1, values.max() + 0.1
    powers = np.arange(np.floor(low), np.ceil(high) + 1)
    if high - low < DECADES:
        powers = np.add.outer(powers, np.log10([1, 2, 5])).ravel()
    at = powers[(powers >= low) & (powers <= high)]
    chosen = [float(f"{10.0**power:.6g}") for power in at[:: max(1, -(-len(at) // MOST_TICKS))]]
    return [(value, format_tick(value)) for value in chosen]


def split_pieces(*columns: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The stretches of columns in which every value is finite."""
    sound = np.logical_and.reduce([np.isfinite(column) for column in columns])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sound, [False]])))
    for start, end in edges.reshape(-1, 2):
        yield tuple(column[start:end] for column in columns)
