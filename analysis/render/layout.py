"""What both renderers must agree on: which axes run down, where bars stand, what the legend lists."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.figures.figure import Axis, Bars, Drawing, Heat, Line, Panel, Parallel, Points
from analysis.render.cells import compact
from analysis.render.theme import SPREAD_BARS, Look, look_of

DECADES = 2.5  # Below which 2 and 5 are marked too.
MOST_TICKS = 9


@dataclass(frozen=True)
class Entry:
    """One entry of a legend.

    Attributes:
        label: its text.
        group: whose look it has.
        look: that look.
        kind: line, dashed, point, hollow or bar.
    """

    label: str
    group: str
    look: Look
    kind: str


def legend(drawing: Drawing) -> list[Entry]:
    """What a legend of the whole figure lists: the groups in their order, then what belongs to none."""
    found: dict[tuple[str, str], Entry] = {}
    for mark in (mark for panel in drawing.panels for mark in panel.marks):
        if isinstance(mark, Line | Points | Bars) and mark.label:
            look = look_of(mark.group, drawing.groups)
            found.setdefault((mark.label, mark.group), Entry(mark.label, mark.group, look, _kind(mark)))
    order = {group: place for place, group in enumerate(drawing.groups)}
    return sorted(found.values(), key=lambda entry: order.get(entry.group, len(order)))


def downwards(panel: Panel) -> bool:
    """Whether the first category stands at the top, as in a table; heat maps have numbers on their axes."""
    return bool(panel.y.categories) and not any(isinstance(mark, Heat) for mark in panel.marks)


def dodged(panel: Panel) -> Iterator[tuple[Bars, np.ndarray, float]]:
    """The bars of a panel with their centres and thickness: side by side where they share a category."""
    bars = [mark for mark in panel.marks if isinstance(mark, Bars)]
    shared = len(bars) > 1 and len(np.unique(_all_y(bars))) < len(_all_y(bars))
    count = len(bars) if shared else 1
    for place, mark in enumerate(bars):
        offset = (place - (count - 1) / 2) * SPREAD_BARS / count if shared else 0.0
        yield mark, np.asarray(mark.y, float) + offset, SPREAD_BARS / count


def parallel_of(panel: Panel) -> Parallel | None:
    """The parallel coordinates that fill a panel, or None."""
    return next((mark for mark in panel.marks if isinstance(mark, Parallel)), None)


def limits(axis: Axis) -> tuple[float | None, float | None]:
    """Where an axis begins and ends; half a step around its categories."""
    if axis.categories:
        return (
            -0.5 if axis.low is None else axis.low,
            len(axis.categories) - 0.5 if axis.high is None else axis.high,
        )
    low, high = (value if value is None or np.isfinite(value) else None for value in (axis.low, axis.high))
    if low is not None and high is not None and not low < high:
        return None, None  # One value, which the data may lie around.
    return low, high


def tick(value: float) -> str:
    """A number at an axis: 1000, 0.25, 1e-5."""
    value = value or 0.0  # Not -0.
    text = compact(float(f"{value:.4g}"))
    return f"{value:.4g}" if "e+" in text else text.removesuffix(".0")


def log_ticks(panel: Panel, side: str) -> list[float]:
    """Where the numbers of a logarithmic axis stand: powers of ten, and 2 and 5 between them where there are few."""
    axis = panel.x if side == "x" else panel.y
    if not axis.log:
        return []
    columns = [getattr(mark, side) for mark in panel.marks if isinstance(mark, Line | Points)]
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


def wrapped(categories: Sequence[str], letters: int = 48) -> list[str]:
    """The names below an axis, broken into lines so that together they are at most so many letters wide."""
    wide = max(9, letters // max(1, len(categories)))
    return ["\n".join(textwrap.wrap(name, wide, break_long_words=False)) or name for name in categories]


def pieces(*columns: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The stretches of columns in which every value is finite."""
    sound = np.logical_and.reduce([np.isfinite(column) for column in columns])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sound, [False]])))
    for start, end in edges.reshape(-1, 2):
        yield tuple(column[start:end] for column in columns)


def bundles(mark: Line, most: int) -> list[np.ndarray]:
    """The positions of many curves in one line, dealt to so many bundles that their overlaps look denser."""
    y = np.asarray(mark.y, float)
    curve = np.cumsum(np.isnan(y))  # The break belongs to the curve after it, which it parts from the one before.
    count = min(most, int(curve[-1]) + 1 if len(curve) else 1)
    return [np.flatnonzero(curve % count == place) for place in range(count)]


def held(column: np.ndarray) -> np.ndarray:
    """A column whose gaps hold the value before them: whole numbers without gaps take a quarter of the room."""
    last = np.maximum.accumulate(np.where(np.isfinite(column), np.arange(len(column)), 0))
    return np.where(np.isfinite(column), column, column[last] if len(column) else column)


def staircase(x: np.ndarray, *heights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Columns with the corners that a curve has which changes after each x."""
    return np.repeat(x, 2)[1:], *(np.repeat(column, 2)[:-1] for column in heights)


def _all_y(bars: Sequence[Bars]) -> np.ndarray:
    return np.concatenate([np.asarray(mark.y, float) for mark in bars])


def _kind(mark: Line | Points | Bars) -> str:
    if isinstance(mark, Bars):
        return "bar"
    if isinstance(mark, Points):
        return "hollow" if mark.hollow else "point"
    return "dashed" if mark.dashed else "line"
