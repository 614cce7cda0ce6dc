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
class Line:
    """A curve; NaN in y breaks it, so one Line can hold many curves.

    Attributes:
        x: positions.
        y: heights, as many.
        group: decides the colour: the title of an architecture, or with a run's name before it.
        label: of its entry in the legend; empty for none.
        thin: drawn faint, for curves of which there are many.
        low: lower edge of a shaded band around it, or None.
        high: upper edge.
        step: drawn as a staircase that changes after each x.
        dashed: drawn dashed.
        links: the trial of each x, or none.
    """

    x: Numbers
    y: Numbers
    group: str
    label: str = ""
    thin: bool = False
    low: Numbers | None = None
    high: Numbers | None = None
    step: bool = False
    dashed: bool = False
    links: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Points:
    """Single values.

    Attributes:
        x: positions.
        y: heights.
        group: decides the colour, as in ``Line``.
        label: of its entry in the legend; empty for none.
        low: lower end of a vertical error bar for each, or None.
        high: upper end.
        texts: what to say of each point beside its numbers, or none.
        links: the trial of each, or none: a click leads to its row.
        emphasis: drawn larger, for what the reader should see first.
        hollow: drawn as a ring, for other people's numbers.
        named: whether ``texts`` stand beside the points and not only under the pointer.
    """

    x: Numbers
    y: Numbers
    group: str
    label: str = ""
    low: Numbers | None = None
    high: Numbers | None = None
    texts: Sequence[str] = ()
    links: Sequence[str] = ()
    emphasis: bool = False
    hollow: bool = False
    named: bool = False


@dataclass(frozen=True, eq=False)
class Bars:
    """Horizontal bars on a panel whose y axis has categories.

    Attributes:
        y: positions of the categories, 0 and up.
        length: how far each reaches from 0.
        group: decides the colour.
        label: of its entry in the legend.
        low: lower end of an error bar for each, or None.
        high: upper end.
    """

    y: Numbers
    length: Numbers
    group: str
    label: str = ""
    low: Numbers | None = None
    high: Numbers | None = None


@dataclass(frozen=True, eq=False)
class Heat:
    """A heat map on a panel whose two axes have categories; NaN cells are blank.

    Attributes:
        z: values, one row per y category.
        unit: the name and unit of z.
        low: the value of the darkest colour; the same in all panels that should compare.
        high: the value of the lightest colour.
        texts: what stands in each cell, row by row; none for the number itself.
    """

    z: np.ndarray
    unit: str
    low: float
    high: float
    texts: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, eq=False)
class Parallel:
    """Parallel coordinates: one line for each trial over several vertical axes; fills its panel.

    Attributes:
        axes: the vertical axes, left to right; logarithmic or with categories where they say so.
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
        rungs: (x, label) of vertical lines, such as where ASHA judges.
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
        name: of its files, and its place in the page.
        title: a few words.
        caption: one or two sentences: what is shown, in which unit, how it was counted.
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
