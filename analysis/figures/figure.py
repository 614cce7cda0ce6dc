"""Figures as data: what is drawn, not how. ``analysis.render`` draws them for screens and for paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from analysis.evidence import Evidence

FEW = 3  # Networks whose curves can still be told apart in one panel.
Numbers: TypeAlias = "Sequence[float] | np.ndarray"


@dataclass(frozen=True)
class Axis:
    """One axis of a panel."""

    label: str  # What it measures, with its unit.
    log: bool = False
    categories: tuple[str, ...] = ()  # Names at 0, 1, 2 and so on instead of numbers.
    low: float | None = None  # Where it begins; None fits the data.
    high: float | None = None
    whole: bool = False  # Whether only whole numbers make sense.
    focus: float | None = None  # Where it begins at first, above ``low``: a screen can switch to all of it.


@dataclass(frozen=True, eq=False)
class Series:
    """What lines and points have in common."""

    x: Numbers
    y: Numbers
    group: str  # Decides the colour: an architecture's title, after the run's name where there are several runs.
    low: Numbers | None = None  # The lower edge of a shaded band, or the lower ends of error bars.
    high: Numbers | None = None
    links: Sequence[str] = ()  # The trial of each x, or none; a click leads to its row.

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray] | None:
        """``low`` and ``high`` as arrays, or None."""
        if self.low is None or self.high is None:
            return None
        return np.asarray(self.low, float), np.asarray(self.high, float)


@dataclass(frozen=True, eq=False)
class Line(Series):
    """A curve; NaN in y breaks it, so one Line can hold many curves."""

    label: str = ""  # Of its entry in the legend; empty for none.
    thin: bool = False  # Drawn faint, for many curves.
    step: bool = False  # Drawn as a staircase that changes after each x.
    dashed: bool = False


@dataclass(frozen=True, eq=False)
class Points(Series):
    """Single values."""

    texts: Sequence[str] = ()  # What to say about each point beside its numbers, or none.
    emphasis: bool = False  # Drawn larger, for what the reader should see first.
    hollow: bool = False  # Drawn as a ring, for other people's numbers.
    named: bool = False  # Whether the texts stand beside the points and not only under the pointer.

    @property
    def opacity(self) -> float:
        """Below 1 where so many small points would hide one another."""
        return 1.0 if self.emphasis or self.hollow or len(self.x) < 100 else 0.65


@dataclass(frozen=True, eq=False)
class Bars:
    """One horizontal bar from 0 for each category of the panel's y axis, in the colour of a group."""

    length: np.ndarray
    group: str


@dataclass(frozen=True, eq=False)
class Heat:
    """A heat map on a panel whose two axes have categories; NaN cells are blank."""

    z: np.ndarray  # One row per y category.
    unit: str  # The name and unit of z.
    low: float  # The value of the darkest colour; the same in all panels that should compare.
    high: float


@dataclass(frozen=True, eq=False)
class Parallel:
    """Parallel coordinates: one line per trial over several vertical axes. They fill their panel."""

    axes: Sequence[Axis]  # Left to right: logarithmic ones, linear ones with both ends or none, or categories.
    values: Sequence[np.ndarray]  # One array per axis, as long as there are trials.
    colour: np.ndarray  # A number for each trial.
    unit: str  # The name and unit of the colour.
    links: Sequence[str] = ()  # The trial of each line.


Mark = Line | Points | Bars | Heat | Parallel


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes and what is drawn in it."""

    title: str  # Above it; empty for none.
    x: Axis
    y: Axis
    marks: Sequence[Mark]  # From back to front.
    rungs: Sequence[
        tuple[float, str]
    ] = ()  # (x, label) of vertical lines, on a linear axis: where the scheduler judges.


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure filled from runs."""

    name: str  # Of its files and of its anchor in the page.
    title: str  # A few words.
    caption: str  # One or two sentences that say what is shown, in which unit and how it was counted.
    panels: Sequence[Panel]  # Left to right, then down.
    columns: int = 2  # Panels side by side where there is room.
    groups: Sequence[str] = ()  # All in the order of the legend; a group has the same colour in all figures.


@dataclass(frozen=True)
class Figure:
    """A kind of figure: ``draw`` makes the drawing, or one line that says why there is nothing to draw."""

    name: str  # In ``FIGURES``, and of its files.
    draw: Callable[[Evidence], Drawing | str]
