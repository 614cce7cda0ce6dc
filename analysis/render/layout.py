"""What both renderers must agree on: which axes run down, where ticks stand, what the legend lists."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.figures.figure import Axis, Drawing, Heat, Line, Mark, Panel, Parallel, Series
from analysis.render.cells import format_compact
from analysis.render.theme import Look, choose_look, reads_light

DECADES = 2.5  # Below which 2 and 5 are marked too.
MOST_TICKS = 9


@dataclass(frozen=True)
class Entry:
    """One entry of a legend.

    Attributes:
        label: its text.
        group: whose look it has.
        look: that look.
        dashed: whether the line is.
    """

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
            entry = Entry(mark.label, mark.group, choose_look(mark.group, drawing.groups), mark.dashed)
            found.setdefault((mark.label, mark.group), entry)
    order = {group: place for place, group in enumerate(drawing.groups)}
    return sorted(found.values(), key=lambda entry: order.get(entry.group, len(order)))


def sort_downwards(panel: Panel) -> bool:
    """Whether the first category stands at the top, as in a table; heat maps have numbers on their axes."""
    return bool(panel.y.categories) and not holds(panel, Heat)


def holds(panel: Panel, kind: type[Mark]) -> bool:
    """Whether a panel has a mark of a kind."""
    return any(isinstance(mark, kind) for mark in panel.marks)


def heat_cells(mark: Heat) -> Iterator[tuple[int, int, str, bool]]:
    """(row, column, text, whether light text is easier to read) of every cell of a heat map that is not blank."""
    for row, column in np.argwhere(np.isfinite(mark.z)).tolist():
        value = float(mark.z[row, column])
        yield row, column, f"{value:.1f}", reads_light((value - mark.low) / ((mark.high - mark.low) or 1.0))


def make_parallel(panel: Panel) -> Parallel | None:
    """The parallel coordinates that fill a panel, or None."""
    return next((mark for mark in panel.marks if isinstance(mark, Parallel)), None)


def find_limits(axis: Axis) -> tuple[float | None, float | None]:
    """Where an axis begins and ends; half a step around its categories."""
    if axis.categories:
        ends = (-0.5, axis.low), (len(axis.categories) - 0.5, axis.high)
        low, high = (usual if given is None else given for usual, given in ends)
        return low, high
    low, high = (value if value is None or np.isfinite(value) else None for value in (axis.low, axis.high))
    if low is not None and high is not None and not low < high:
        return None, None  # A single value, which the data may lie around.
    return low, high


def tick(value: float) -> str:
    """A number at an axis: 1000, 0.25, 1e-5."""
    value = value or 0.0  # Not -0.
    text = format_compact(float(f"{value:.4g}"))
    return f"{value:.4g}" if "e+" in text else text.removesuffix(".0")


def choose_log_ticks(panel: Panel, side: str) -> list[float]:
    """Where the numbers of a logarithmic axis stand: powers of ten, and also 2 and 5 where these are few."""
    axis: Axis = getattr(panel, side)
    if not axis.log:
        return []
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
    return [float(f"{10.0**power:.6g}") for power in at[:: max(1, -(-len(at) // MOST_TICKS))]]


def wrap(categories: Sequence[str], letters: int = 48) -> list[str]:
    """The names below an axis, broken into lines so that together they are at most that many letters wide."""
    wide = max(9, letters // max(1, len(categories)))
    return ["\n".join(textwrap.wrap(name, wide, break_long_words=False)) or name for name in categories]


def split_pieces(*columns: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The stretches of columns in which every value is finite."""
    sound = np.logical_and.reduce([np.isfinite(column) for column in columns])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sound, [False]])))
    for start, end in edges.reshape(-1, 2):
        yield tuple(column[start:end] for column in columns)


def group_bundles(mark: Line, most: int) -> list[np.ndarray]:
    """The positions of many curves in one line, dealt to at most so many bundles, whose overlaps look denser."""
    y = np.asarray(mark.y, float)
    curve = np.cumsum(np.isnan(y))  # The break belongs to the curve after it, which it parts from the one before.
    count = min(most, int(curve[-1]) + 1 if len(curve) else 1)
    return [np.flatnonzero(curve % count == place) for place in range(count)]


def hold_within(column: np.ndarray) -> np.ndarray:
    """A column whose gaps hold the value before them: whole numbers without gaps take a quarter of the space."""
    last = np.maximum.accumulate(np.where(np.isfinite(column), np.arange(len(column)), 0))
    return np.where(np.isfinite(column), column, column[last] if len(column) else column)
