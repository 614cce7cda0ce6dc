"""Parallel coordinates on paper."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize

from analysis.figures.figure import Parallel
from analysis.render.parallel import colour_range, scaled
from analysis.render.theme import GRID, INK, MUTED, PAPER_FONT_PT, SEQUENTIAL

# From light to dark on white, so that the best trials stand out.
TO_DARK = LinearSegmentedColormap.from_list("to dark", SEQUENTIAL[::-1])
VECTORS = 300  # Lines from which a PDF holds pixels instead.


def draw_parallel(axes: Axes, parallel: Parallel, drawable: Callable[[str], str]) -> None:
    """Draws one line for each trial, the best last and so in front; those without a colour behind, in grey."""
    columns = scaled(parallel)
    colour = np.asarray(parallel.colour, float)
    heights = np.column_stack([column.heights for column in columns])
    whole = np.flatnonzero(np.isfinite(heights).all(axis=1))
    order = whole[np.argsort(np.where(np.isfinite(colour), colour, -np.inf)[whole], kind="stable")]
    low, high = colour_range(parallel)
    shades = ScalarMappable(Normalize(low, high), TO_DARK)
    known = order[np.isfinite(colour[order])]
    across = np.arange(len(columns), dtype=float)
    for rows, paints in ((order[~np.isfinite(colour[order])], GRID[0]), (known, shades.to_rgba(colour[known]))):
        if len(rows):
            lines = np.stack([np.broadcast_to(across, (len(rows), len(columns))), heights[rows]], axis=2)
            opacity = max(0.15, min(0.8, 60 / len(order)))
            axes.add_collection(
                LineCollection(
                    list(lines), colors=paints, linewidths=0.7, alpha=opacity, rasterized=len(order) > VECTORS
                ),
                autolim=False,
            )
    for place, column in enumerate(columns):
        axes.axvline(place, color=MUTED[0], linewidth=0.8)
        for height, text in column.ticks:
            axes.annotate(
                drawable(text),
                (place, height),
                xytext=(-3, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=PAPER_FONT_PT - 1.5,
                color=INK[0],
                bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5},
            )
    axes.set_xlim(-0.35, len(columns) - 0.85)
    axes.set_ylim(-0.04, 1.04)
    axes.set_xticks(across, labels=[drawable(column.label) for column in columns])
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(shades, ax=axes, pad=0.02, aspect=24, extend="min")
    bar.set_label(drawable(parallel.unit))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
