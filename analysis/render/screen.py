"""Drawings for the page: each panel as plain data that plotly, or page.js for parallel coordinates, draws.

Each panel is a plot of its own, so that the page can lay them out and a narrow screen shows one below the other.
Nothing uses WebGL: a browser keeps only 16 such plots alive, and some machines have none.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from analysis.figures.figure import Axis, Drawing, Heat, Panel, Parallel, Points
from analysis.render.layout import choose_step, choose_ticks, count_lines, find_limits, find_mark, sort_downwards
from analysis.render.packed import escape_html, pack_columns
from analysis.render.parallel import find_colour_range, scale_values
from analysis.render.screen_marks import Rows, Traces
from analysis.render.theme import FONT, GRID, INK, MUTED, SCREEN_FONT_PX

HEIGHT, PARALLEL_HEIGHT = 310, 380
MARGIN, BAR_HEIGHT, ROW_HEIGHT, CELL_HEIGHT = 76, 24, 64, 40
RUNG_LINE = {"color": MUTED[0], "width": 1, "dash": "dash"}
RUNG = {"type": "line", "y0": 0, "y1": 1, "yref": "paper", "layer": "below", "line": RUNG_LINE}
RUNG_NAME = {"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "font": {"size": 11, "color": MUTED[0]}}
CLEAR = "rgba(0,0,0,0)"
AXIS = {"automargin": True, "gridcolor": GRID[0], "linecolor": MUTED[0], "showline": True, "zeroline": False}
TICKS = {"tickfont": {"size": 12}, "ticks": "outside", "tickcolor": MUTED[0], "ticklen": 4, "exponentformat": "power"}


def make_panels(drawing: Drawing, rows: Rows) -> list[dict[str, Any]]:
    """The panels of a drawing, as JSON can hold them.

    Returns:
        For each: ``height`` in pixels, and either plotly's ``data`` and ``layout`` with ``links`` (number of the
        trace -> [row, how many points]) and, of a vertical axis with a focus, its ``whole`` range; or ``parallel``:
        ``axes``, ``colour``, ``low``, ``high``, ``unit``, ``rows``.
    """
    found = []
    for panel in drawing.panels:
        if parallel := find_mark(panel, Parallel):
            found.append({"height": PARALLEL_HEIGHT, "parallel": _make_parallel(parallel, rows)})
            continue
        traces, height, count = Traces(panel, drawing.groups, rows), HEIGHT, count_lines(panel)
        if find_mark(panel, Heat):
            height = MARGIN + max(4, count) * CELL_HEIGHT
        elif sort_downwards(panel):
            height = max(HEIGHT // 2, MARGIN + count * (ROW_HEIGHT if find_mark(panel, Points) else BAR_HEIGHT))
        found.append({"height": height, "data": traces.data, "layout": _lay_out(panel), "links": traces.links})
        if panel.y.focus is not None:
            found[-1]["whole"] = [panel.y.low, panel.y.high]
    return found


def _make_parallel(parallel: Parallel, rows: Rows) -> dict[str, Any]:
    low, high = find_colour_range(parallel)
    return {
        "axes": [axis._asdict() | {"heights": pack_columns(axis.heights)} for axis in scale_values(parallel)],
        "colour": pack_columns(parallel.colour),
        "low": low,
        "high": high,
        "unit": parallel.unit,
        "rows": pack_columns([rows("", link) for link in parallel.links]),
        "count": len(parallel.colour),
    }


def _lay_out(panel: Panel) -> dict[str, Any]:
    return {
        "font": {"family": FONT, "size": SCREEN_FONT_PX, "color": INK[0]},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "margin": {"l": 52, "r": 14, "t": 26 if panel.rungs else 12, "b": 46},
        "hovermode": "closest",
        "showlegend": False,
        "bargap": 0,
        "xaxis": _describe_axis(panel, "x"),
        "yaxis": _describe_axis(panel, "y"),
        "shapes": [RUNG | {"x0": at, "x1": at} for at, _ in panel.rungs],
        "annotations": [RUNG_NAME | {"x": at, "text": escape_html(label)} for at, label in panel.rungs],
    }


def _describe_axis(panel: Panel, side: Literal["x", "y"]) -> dict[str, Any]:
    axis: Axis = getattr(panel, side)
    title = {"text": escape_html(axis.label), "standoff": 8, "font": {"size": SCREEN_FONT_PX}}
    kind = {"type": "log" if axis.log else "linear", "showgrid": not axis.categories}
    described = {"title": title, **kind, **AXIS, **TICKS}
    low, high = find_limits(axis)
    if axis.log:
        low, high = (value if value is None or value <= 0 else float(np.log10(value)) for value in (low, high))
    if low is not None and high is not None:
        described["range"] = [high, low] if side == "y" and sort_downwards(panel) else [low, high]
    elif not axis.log and (low, high) != (None, None):
        described["autorangeoptions"] = {"clipmin": low} if high is None else {"clipmax": high}
    if axis.whole:
        described |= {"tick0": 0, "dtick": choose_step(panel, side)}
    if ticks := choose_ticks(panel, side):
        texts = [escape_html(text).replace("\n", "<br>") for _, text in ticks]
        described |= {"tickmode": "array", "tickvals": [at for at, _ in ticks], "ticktext": texts}
    return described
