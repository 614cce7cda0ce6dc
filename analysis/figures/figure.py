"""Figures as data: what is drawn, not how. ``analysis.render`` draws them for screens and for paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from analysis.evidence import Evidence

Numbers: TypeAlias = "Sequence[float] | np.ndarray"


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Attributes:
        label: what it measures, with its unit.
        log: whether it is logarithmic.
        categories: names at 0, 1, 2 and so on instead of numbers.
        low: where it begins; None fits the data.
        high: where it ends; None fits the data.
        whole: whether only whole numbers make sense.
    """

    label: str
    log: bool = False
    categories: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Series:
    """What lines and points have in common.

    Attributes:
        x: positions.
        y: heights, as many.
        group: decides the colour: the title of an architecture, after the run's name where there are several runs.
        low: the lower edge of a shaded band, or the lower ends of error bars; None for neither.
        high: the upper edge or ends; given where ``low`` is.
        links: the trial of each x, or none; a click leads to its row.
    """

    x: Numbers
    y: Numbers
    group: str
    low: Numbers | None = None
    high: Numbers | None = None
    links: Sequence[str] = ()

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray] | None:
        """``low`` and ``high`` as arrays, or None."""
        if self.low is None or self.high is None:
            return None
        return np.asarray(self.low, float), np.asarray(self.high, float)


@dataclass(frozen=True, eq=False)
class Line(Series):
    """A curve; NaN in y breaks it, so one Line can hold many curves.

    Attributes:
        label: of its entry in the legend; empty for none.
        thin: drawn faint, for curves of which there are many.
        step: drawn as a staircase that changes after each x.
        dashed: drawn dashed.
    """

    label: str = ""
    thin: bool = False
    step: bool = False
    dashed: bool = False


@dataclass(frozen=True, eq=False)
class Points(Series):
    """Single values.

    Attributes:
        texts: what to say about each point beside its numbers, or none.
        emphasis: drawn larger, for what the reader should see first.
        hollow: drawn as a ring, for other people's numbers.
        named: whether ``texts`` stand beside the points and not only under the pointer.
    """

    texts: Sequence[str] = ()
    emphasis: bool = False
    hollow: bool = False
    named: bool = False

    @property
    def opacity(self) -> float:
        """Below 1 where so many small points would hide one another."""
        return 1.0 if self.emphasis or self.hollow or len(self.x) < 100 else 0.65


@dataclass(frozen=True, eq=False)
class Bars:
    """One horizontal bar from 0 for each category of the panel's y axis.

    Attributes:
        length: how far each bar reaches.
        group: decides the colour.
    """

    length: np.ndarray
    group: str


@dataclass(frozen=True, eq=False)
class Heat:
    """A heat map on a panel whose two axes have categories; NaN cells are blank.

    Attributes:
        z: values, one row per y category.
        unit: the name and unit of z.
        low: the value of the darkest colour; the same in all panels that should compare.
        high: the value of the lightest colour.
    """

    z: np.ndarray
    unit: str
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Parallel:
    """Parallel coordinates: one line per trial over several vertical axes. They fill their panel.

    Attributes:
        axes: the vertical axes, left to right: logarithmic ones, or linear ones with both ends or none.
        values: one array per axis, as long as there are trials.
        colour: a number for each trial.
        unit: the name and unit of the colour.
        links: the trial of each line.
    """

    axes: Sequence[Axis]
    values: Sequence[np.ndarray]
    colour: np.ndarray
    unit: str
    links: Sequence[str] = ()


Mark = Line | Points | Bars | Heat | Parallel


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes and what is drawn in it.

    Attributes:
        title: above it; empty for none.
        x: the horizontal axis.
        y: the vertical axis.
        marks: from back to front.
        rungs: (x, label) of vertical lines, on a linear axis: where ASHA judges.
    """

    title: str
    x: Axis
    y: Axis
    marks: Sequence[Mark]
    rungs: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure filled from runs.

    Attributes:
        name: of its files and of its anchor in the page.
        title: a few words.
        caption: one or two sentences that say what is shown, in which unit and how it was counted.
        panels: left to right, then down.
        columns: panels side by side where there is room.
        groups: every group in the order of the legend; a group has the same colour in all figures.
    """

    name: str
    title: str
    caption: str
    panels: Sequence[Panel]
    columns: int = 2
    groups: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Figure:
    """A kind of figure.

    Attributes:
        name: in ``FIGURES``, and of its files.
        draw: the evidence -> the drawing, or one line that says why there is nothing to draw.
    """

    name: str
    draw: Callable[[Evidence], Drawing | str]
