"""Marks as artists of matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patheffects import withStroke

from analysis.figures.figure import Bars, Heat, Line, Mark, Panel, Parallel, Points
from analysis.render.labels import choose_places
from analysis.render.layout import break_name, list_heat_cells, split_pieces
from analysis.render.parallel import find_colour_range, scale_values, sort_by_colour
from analysis.render.theme import (
    BAND_OPACITY,
    BAR,
    GRID,
    INK,
    MUTED,
    PAPER_FONT_PT,
    SEQUENTIAL,
    SURFACE,
    Look,
    choose_look,
)

TO_DARK = LinearSegmentedColormap.from_list("to dark", SEQUENTIAL[::-1])  # On white, so that the best stand out.
HALO = [withStroke(linewidth=2.0, foreground=SURFACE[0])]  # So that no line runs through a name.
SMALL_PT = PAPER_FONT_PT - 1.5
MARKER_PT = 4.0
MANY, MANY_LINES = 2000, 300  # Points and parallel coordinates from which a PDF holds pixels instead of vectors.
MARKS_ON_LINE = 12
MANY_AXES = 7
# plotly's names -> (horizontal, vertical) alignment and offset in points.
ALIGNED = {"right": ("left", 5.0), "left": ("right", -5.0), "center": ("center", 0.0)}
RAISED = {"top": ("bottom", 4.0), "bottom": ("top", -4.0), "middle": ("center", 0.0)}


@cache
def _load_glyphs() -> frozenset[int]:
    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def check_drawable(text: str) -> str:
    """Text in the characters that the font has."""
    return "".join(letter if ord(letter) in _load_glyphs() or letter == "\n" else "?" for letter in text)


def write(axes: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], sides: str, **more: Any) -> None:
    """Writes a text so many points away from a place; ``sides`` are its horizontal and vertical alignment."""
    across, up = sides.split()
    more = {"fontsize": SMALL_PT, "color": INK[0], **more}
    axes.annotate(check_drawable(text), at, xytext=offset, textcoords="offset points", ha=across, va=up, **more)


def _draw_colour_bar(axes: Axes, shades: ScalarMappable, unit: str, **more: Any) -> None:
    bar = axes.figure.colorbar(shades, ax=axes, pad=0.02, aspect=24, **more)
    bar.set_label(check_drawable(unit))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def draw_mark(axes: Axes, panel: Panel, mark: Mark, groups: Sequence[str]) -> None:
    """Draws any mark but parallel coordinates."""
    if isinstance(mark, Heat):
        _draw_heat(axes, mark)
    elif isinstance(mark, Bars):
        colour = choose_look(mark.group, groups).colour
        axes.barh(np.arange(len(mark.length)), mark.length, height=BAR, color=colour)
    elif isinstance(mark, Line):
        _draw_line(axes, mark, choose_look(mark.group, groups))
    elif isinstance(mark, Points):
        _draw_points(axes, panel, mark, choose_look(mark.group, groups))


def _draw_line(axes: Axes, mark: Line, look: Look) -> None:
    x, y = np.asarray(mark.x, float), np.asarray(mark.y, float)
    if mark.bounds:
        low, high = mark.bounds
        known = np.isfinite(low + high)
        axes.fill_between(x, low, high, where=known, color=look.colour, alpha=BAND_OPACITY, linewidth=0)
    if mark.thin:
        many = len(x) > MANY
        curves = [np.column_stack(piece) for piece in split_pieces(x, y)]
        opacity = max(0.06, min(0.5, 40 / max(1, len(curves))))
        axes.add_collection(LineCollection(curves, colors=look.colour, linewidths=0.5, alpha=opacity, rasterized=many))
        axes.autoscale_view()
        return
    axes.plot(
        x,
        y,
        color=look.colour,
        linewidth=1.3,
        linestyle="--" if mark.dashed else "-",
        drawstyle="steps-post" if mark.step else "default",
        marker="" if mark.dashed or look.number < 0 else look.marker,
        markersize=MARKER_PT - 0.5,
        markevery=max(1, len(x) // MARKS_ON_LINE),
    )


def _draw_points(axes: Axes, panel: Panel, mark: Points, look: Look) -> None:
    x, y = np.asarray(mark.x, float), np.asarray(mark.y, float)
    if mark.bounds:
        low, high = mark.bounds
        reach = np.maximum([y - low, high - y], 0.0)  # Rounding may put a bound on the wrong side.
        known = np.isfinite(reach).all(axis=0)
        if known.any():
            kind: Any = {"fmt": "none", "ecolor": look.colour, "elinewidth": 1.0, "capsize": 2.0}
            axes.errorbar(x[known], y[known], reach[:, known], **kind)
    axes.plot(
        x,
        y,
        linestyle="none",
        marker=look.marker,
        markersize=MARKER_PT + (2.5 if mark.emphasis else 0),
        markerfacecolor=SURFACE[0] if mark.hollow else look.colour,
        markeredgecolor=look.colour if mark.hollow else INK[0] if mark.emphasis else SURFACE[0],
        markeredgewidth=1.1 if mark.hollow else 0.8 if mark.emphasis else 0.4,
        alpha=mark.opacity,
        rasterized=len(x) > MANY,
        zorder=2.5,
    )
    if mark.named and mark.texts:
        for left, height, text, place in zip(x, y, mark.texts, choose_places(panel)[mark], strict=True):
            if math.isfinite(left + height):
                above, beside = place.split()
                (across, right), (vertical, up) = ALIGNED[beside], RAISED[above]
                sides = f"{across} {vertical}"
                name: Any = {"fontsize": PAPER_FONT_PT - 1, "zorder": 3, "path_effects": HALO}
                write(axes, break_name(text), (left, height), (right, up), sides, **name)


def _draw_heat(axes: Axes, mark: Heat) -> None:
    rows, columns = (np.arange(count + 1) - 0.5 for count in mark.z.shape)
    shades: Any = {"cmap": TO_DARK, "norm": Normalize(mark.low, mark.high), "edgecolors": SURFACE[0], "linewidth": 1.0}
    mesh = axes.pcolormesh(columns, rows, np.ma.masked_invalid(mark.z), **shades)
    _draw_colour_bar(axes, mesh, mark.unit)
    for row, column, text, ink in list_heat_cells(mark):
        axes.text(column, row, text, ha="center", va="center", fontsize=SMALL_PT, color=ink[0])


def draw_parallel(axes: Axes, parallel: Parallel) -> None:
    """Draws one line for each trial, the best last and so in front; those without a colour behind, in grey."""
    columns = scale_values(parallel)
    colour = np.asarray(parallel.colour, float)
    heights = np.column_stack([column.heights for column in columns])
    order = sort_by_colour(colour, np.flatnonzero(np.isfinite(heights).all(axis=1)))
    shades = ScalarMappable(Normalize(*find_colour_range(parallel)), TO_DARK)
    known = np.isfinite(colour[order])
    across = np.arange(len(columns), dtype=float)
    opacity = max(0.15, min(0.8, 60 / max(1, len(order))))
    look = {"linewidths": 0.7, "alpha": opacity, "rasterized": len(order) > MANY_LINES}
    for rows, paints in ((order[~known], GRID[0]), (order[known], shades.to_rgba(colour[order[known]]))):
        if len(rows):
            lines = [np.column_stack([across, line]) for line in heights[rows]]
            axes.add_collection(LineCollection(lines, colors=paints, **look), autolim=False)
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5}
    for place, column in enumerate(columns):
        axes.axvline(place, color=MUTED[0], linewidth=0.8)
        for height, text in column.ticks:
            write(axes, text, (place, height), (-3, 0), "right center", bbox=box)
    axes.set(xlim=(-0.35, len(columns) - 0.85), ylim=(-0.04, 1.04), yticks=[])
    crowded = len(columns) > MANY_AXES  # Then every other name stands a line lower.
    labels = ["\n" * (crowded and place % 2) + column.label for place, column in enumerate(columns)]
    axes.set_xticks(across, labels=list(map(check_drawable, labels)))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _draw_colour_bar(axes, shades, parallel.unit, extend="min")
