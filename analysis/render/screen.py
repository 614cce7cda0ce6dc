"""Drawings for the page: each panel as plain data that plotly, or page.js for parallel coordinates, draws.

Each panel is a plot of its own, so that the page can lay them out and a narrow screen shows one below the other.
Nothing uses WebGL: a browser keeps only 16 such plots alive, and some machines have none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from analysis.figures.figure import Axis, Drawing, Heat, Panel, Parallel, Points
from analysis.render.layout import choose_log_ticks, find_limits, holds, make_parallel, sort_downwards, tick, wrap
from analysis.render.packed import drop_none, escape_html, pack_columns
from analysis.render.parallel import find_colour_range, scale_values
from analysis.render.screen_marks import Traces
from analysis.render.theme import FONT, GRID, INK, MUTED, SCREEN_FONT_PX

Rows = Callable[[str, str], int]  # (group or "", trial) -> its row in the table of trials, -1 where it has none.

HEIGHT, PARALLEL_HEIGHT = 310, 380
RUNG = {
    "type": "line",
    "y0": 0,
    "y1": 1,
    "yref": "paper",
    "layer": "below",
    "line": {"color": MUTED[0], "width": 1, "dash": "dash"},
}
RUNG_NAME = {"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "font": {"size": 11, "color": MUTED[0]}}
MARGIN, BAR_HEIGHT, ROW_HEIGHT, CELL_HEIGHT = 76, 24, 64, 40


def make_panels(drawing: Drawing, rows: Rows) -> list[dict[str, Any]]:
    """The panels of a drawing, as JSON can hold them.

    Returns:
        For each: ``height`` in pixels, and either plotly's ``data`` and ``layout`` with ``links`` (number of the
        trace -> [row, how many points]), or ``parallel``: ``axes``, ``colour``, ``low``, ``high``, ``unit``, ``rows``.
    """
    return [_make_panel(panel, drawing, rows) for panel in drawing.panels]


def _make_panel(panel: Panel, drawing: Drawing, rows: Rows) -> dict[str, Any]:
    parallel = make_parallel(panel)
    if parallel is not None:
        return {"height": PARALLEL_HEIGHT, "parallel": _make_parallel_axes(parallel, rows)}
    traces = Traces(panel, drawing.groups, rows)
    for mark in panel.marks:
        traces.add(mark)
    return {"height": _compute_height(panel), "data": traces.data, "layout": _lay_out(panel), "links": traces.links}


def _make_parallel_axes(parallel: Parallel, rows: Rows) -> dict[str, Any]:
    low, high = find_colour_range(parallel)
    return {
        "axes": [
            {
                "label": axis.label,
                "heights": pack_columns(axis.heights),
                "ticks": [[at, text] for at, text in axis.ticks],
            }
            for axis in scale_values(parallel)
        ],
        "colour": pack_columns(parallel.colour),
        "low": low,
        "high": high,
        "unit": parallel.unit,
        "rows": pack_columns([rows("", link) for link in parallel.links]),
        "count": len(parallel.colour),
    }


def _compute_height(panel: Panel) -> int:
    count = len(panel.y.categories)
    if holds(panel, Heat):
        return MARGIN + max(4, count) * CELL_HEIGHT
    if sort_downwards(panel):
        return max(HEIGHT // 2, MARGIN + count * (ROW_HEIGHT if holds(panel, Points) else BAR_HEIGHT))
    return HEIGHT


def _lay_out(panel: Panel) -> dict[str, Any]:
    return {
        "font": {"family": FONT, "size": SCREEN_FONT_PX, "color": INK[0]},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 52, "r": 14, "t": 26 if panel.rungs else 12, "b": 46},
        "hovermode": "closest",
        "showlegend": False,
        "bargap": 0,
        "xaxis": _describe_axis(panel.x, False, wrap(panel.x.categories), choose_log_ticks(panel, "x")),
        "yaxis": _describe_axis(panel.y, sort_downwards(panel), panel.y.categories, choose_log_ticks(panel, "y")),
        "shapes": [RUNG | {"x0": at, "x1": at} for at, _ in panel.rungs],
        "annotations": [RUNG_NAME | {"x": at, "text": escape_html(label)} for at, label in panel.rungs],
    }


def _describe_axis(axis: Axis, reverse: bool, names: Sequence[str], at: Sequence[float]) -> dict[str, Any]:
    low, high = find_limits(axis)
    if axis.log:
        low, high = (value if value is None or value <= 0 else float(np.log10(value)) for value in (low, high))
    ends = [high, low] if reverse else [low, high]
    clip = {} if axis.log else drop_none({"clipmin": low, "clipmax": high})
    return drop_none(
        {
            "title": {"text": escape_html(axis.label), "standoff": 8, "font": {"size": SCREEN_FONT_PX}},
            "tickfont": {"size": 12},
            "type": "log" if axis.log else "linear",
            "range": None if None in ends else ends,
            "autorangeoptions": clip if None in ends and clip else None,
            "automargin": True,
            "gridcolor": GRID[0],
            "linecolor": MUTED[0],
            "showline": True,
            "zeroline": False,
            "ticks": "outside",
            "tickcolor": MUTED[0],
            "ticklen": 4,
            "exponentformat": "power",
            "tickmode": "array" if axis.categories or at else None,
            "tickvals": list(range(len(axis.categories))) or at or None,
            "ticktext": [escape_html(name).replace("\n", "<br>") for name in names]
            or [tick(value) for value in at]
            or None,
            "showgrid": not axis.categories,
        }
    )
