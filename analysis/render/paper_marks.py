"""Marks as artists of matplotlib."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap

from analysis.figures.figure import Bars, Heat, Line, Mark, Numbers, Panel, Points
from analysis.render.labels import places
from analysis.render.layout import pieces
from analysis.render.theme import (
    BAND_OPACITY,
    CELL_INK,
    INK,
    PAPER_FONT_PT,
    SEQUENTIAL,
    SURFACE,
    look_of,
    reads_light,
)

Drawable = Callable[[str], str]

VIRIDIS = LinearSegmentedColormap.from_list("sequential", SEQUENTIAL)
MARKER_PT = 4.0
MANY = 2000  # Points from which a PDF holds pixels instead of each.
MARKS_ON_LINE = 12
# plotly's names -> (horizontal, vertical) alignment and offset in points.
ALIGNED = {"right": ("left", 5.0), "left": ("right", -5.0), "center": ("center", 0.0)}
RAISED = {"top": ("bottom", 4.0), "bottom": ("top", -4.0), "middle": ("center", 0.0)}


def draw_mark(axes: Axes, panel: Panel, mark: Mark, groups: Sequence[str], drawable: Drawable) -> None:
    """Draws a line, points or a heat map."""
    if isinstance(mark, Line):
        _line(axes, mark, groups)
    elif isinstance(mark, Points):
        _points(axes, panel, mark, groups, drawable)
    elif isinstance(mark, Heat):
        _heat(axes, mark, drawable)


def draw_bars(axes: Axes, mark: Bars, centres: np.ndarray, thickness: float, groups: Sequence[str]) -> None:
    """Draws horizontal bars at the given positions."""
    look = look_of(mark.group, groups)
    axes.barh(centres, np.asarray(mark.length, float), height=thickness * 0.9, color=look.colour)
    if mark.low is not None and mark.high is not None:
        _errors(axes, mark.length, centres, mark.low, mark.high, INK[0], horizontal=True)


def _line(axes: Axes, mark: Line, groups: Sequence[str]) -> None:
    look = look_of(mark.group, groups)
    x, y = np.asarray(mark.x, float), np.asarray(mark.y, float)
    if mark.low is not None and mark.high is not None:
        low, high = np.asarray(mark.low, float), np.asarray(mark.high, float)
        step: Any = "post" if mark.step else None
        axes.fill_between(
            x, low, high, where=np.isfinite(low + high), step=step, color=look.colour, alpha=BAND_OPACITY, linewidth=0
        )
    if mark.thin:
        many = len(x) > MANY
        curves = [np.column_stack(piece) for piece in pieces(x, y)]
        opacity = max(0.06, min(0.5, 40 / max(1, len(curves))))
        axes.add_collection(LineCollection(curves, colors=look.colour, linewidths=0.5, alpha=opacity, rasterized=many))
        axes.autoscale_view()
        return
    marked = not mark.dashed and look.number >= 0
    axes.plot(
        x,
        y,
        color=look.colour,
        linewidth=1.3,
        linestyle="--" if mark.dashed else "-",
        drawstyle="steps-post" if mark.step else "default",
        marker=look.marker if marked else "",
        markersize=MARKER_PT - 0.5,
        markevery=max(1, len(x) // MARKS_ON_LINE),
    )


def _points(axes: Axes, panel: Panel, mark: Points, groups: Sequence[str], drawable: Drawable) -> None:
    look = look_of(mark.group, groups)
    if mark.low is not None and mark.high is not None:
        _errors(axes, mark.x, mark.y, mark.low, mark.high, look.colour, horizontal=False)
    around = look.colour if mark.hollow else INK[0] if mark.emphasis else SURFACE[0]
    axes.plot(
        np.asarray(mark.x, float),
        np.asarray(mark.y, float),
        linestyle="none",
        marker=look.marker,
        markersize=MARKER_PT + (2.5 if mark.emphasis else 0),
        markerfacecolor=SURFACE[0] if mark.hollow else look.colour,
        markeredgecolor=around,
        markeredgewidth=1.1 if mark.hollow else 0.8 if mark.emphasis else 0.4,
        alpha=None if mark.emphasis or mark.hollow or len(mark.x) < 100 else 0.65,
        rasterized=len(mark.x) > MANY,
        zorder=2.5,
    )
    if mark.named and mark.texts:
        number = next(place for place, other in enumerate(panel.marks) if other is mark)
        for x, y, text, place in zip(mark.x, mark.y, mark.texts, places(panel)[number], strict=True):
            if math.isfinite(x) and math.isfinite(y):
                _name(axes, (x, y), drawable(str(text)), place)


def _name(axes: Axes, at: tuple[float, float], text: str, place: str) -> None:
    above, beside = place.split()
    across, right = ALIGNED[beside]
    vertical, up = RAISED[above]
    axes.annotate(
        text,
        at,
        xytext=(right, up),
        textcoords="offset points",
        ha=across,
        va=vertical,
        fontsize=PAPER_FONT_PT - 1,
        color=INK[0],
        zorder=3,
    )


def _errors(axes: Axes, x: Numbers, y: Numbers, low: Numbers, high: Numbers, colour: str, horizontal: bool) -> None:
    x, y = np.asarray(x, float), np.asarray(y, float)
    middle = x if horizontal else y
    reach = np.array([middle - np.asarray(low, float), np.asarray(high, float) - middle])
    known = np.isfinite(reach).all(axis=0) & np.isfinite(middle)
    reach = np.maximum(reach[:, known], 0.0)  # A bound that rounding put on the wrong side.
    kind: Any = {"xerr": reach} if horizontal else {"yerr": reach}
    if known.any():
        axes.errorbar(x[known], y[known], fmt="none", ecolor=colour, elinewidth=1.0, capsize=2.0, **kind)


def _heat(axes: Axes, mark: Heat, drawable: Drawable) -> None:
    z = np.ma.masked_invalid(np.asarray(mark.z, float))
    rows, columns = z.shape
    mesh = axes.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        z,
        cmap=VIRIDIS,
        vmin=mark.low,
        vmax=mark.high,
        edgecolors=SURFACE[0],
        linewidth=1.0,
    )
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02, aspect=24)
    bar.set_label(drawable(mark.unit))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    for row, column in np.argwhere(~np.ma.getmaskarray(z)).tolist():
        value = float(z[row, column])
        light = reads_light((value - mark.low) / ((mark.high - mark.low) or 1.0))
        text = mark.texts[row][column] if mark.texts else f"{value:.3g}"
        axes.text(
            column,
            row,
            drawable(str(text)),
            ha="center",
            va="center",
            fontsize=PAPER_FONT_PT - 1.5,
            color=CELL_INK[light],
        )
