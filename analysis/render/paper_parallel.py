"""Parallel coordinates on paper."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize

from analysis.figures.figure import Parallel
from analysis.render.paper_marks import check_drawable, draw_colour_bar, write
from analysis.render.parallel import find_colour_range, scale_values
from analysis.render.theme import GRID, MUTED, SEQUENTIAL

# From light to dark on white, so that the best trials stand out.
TO_DARK = LinearSegmentedColormap.from_list("to dark", SEQUENTIAL[::-1])
VECTORS = 300  # Lines from which a PDF holds pixels instead of vectors.


def draw_parallel(axes: Axes, parallel: Parallel) -> None:
    """Draws one line for each trial, the best last and so in front; those without a colour behind, in grey."""
    columns = scale_values(parallel)
    colour = np.asarray(parallel.colour, float)
    heights = np.column_stack([column.heights for column in columns])
    whole = np.flatnonzero(np.isfinite(heights).all(axis=1))
    order = whole[np.argsort(np.where(np.isfinite(colour), colour, -np.inf)[whole], kind="stable")]
    shades = ScalarMappable(Normalize(*find_colour_range(parallel)), TO_DARK)
    known = np.isfinite(colour[order])
    across = np.arange(len(columns), dtype=float)
    for rows, paints in ((order[~known], GRID[0]), (order[known], shades.to_rgba(colour[order[known]]))):
        if len(rows):
            lines = [np.column_stack([across, line]) for line in heights[rows]]
            look = {"linewidths": 0.7, "alpha": max(0.15, min(0.8, 60 / len(order)))}
            many = len(order) > VECTORS
            axes.add_collection(LineCollection(lines, colors=paints, rasterized=many, **look), autolim=False)
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5}
    for place, column in enumerate(columns):
        axes.axvline(place, color=MUTED[0], linewidth=0.8)
        for height, text in column.ticks:
            write(axes, text, (place, height), (-3, 0), "right center", bbox=box)
    axes.set_xlim(-0.35, len(columns) - 0.85)
    axes.set_ylim(-0.04, 1.04)
    axes.set_xticks(across, labels=[check_drawable(column.label) for column in columns])
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    draw_colour_bar(axes, shades, parallel.unit, extend="min")
