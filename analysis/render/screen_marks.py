"""Marks as traces of plotly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.figure import Bars, Heat, Line, Numbers, Panel, Points
from analysis.render.labels import choose_places
from analysis.render.layout import break_name, list_heat_cells, split_pieces
from analysis.render.packed import count_runs, escape_html, pack_columns
from analysis.render.theme import (
    BAND_OPACITY,
    BAR,
    HALO,
    INK,
    MARKER_PX,
    MUTED,
    SEQUENTIAL,
    SURFACE,
    THIN_OPACITY,
    Look,
    choose_look,
)

Rows = Callable[[str, str], int]  # (group or "", trial) -> its row in the table of trials, -1 where it has none.

MARKED = 40  # Points of a line up to which each has a marker.
BUNDLES = 6  # A single SVG path is evenly faint, however many of its curves overlap.
ERRORS = {"type": "data", "symmetric": False, "thickness": 1.5, "width": 4}
TEXT = {"type": "scatter", "mode": "text", "hoverinfo": "skip"}
COLOUR_SCALE = [[place / (len(SEQUENTIAL) - 1), colour] for place, colour in enumerate(SEQUENTIAL)]
HEAT: dict[str, Any] = {"type": "heatmap", "colorscale": COLOUR_SCALE, "reversescale": True}  # page.js: not on dark.
HEAT |= {"xgap": 2, "ygap": 2, "hoverinfo": "text", "hoverongaps": False}


class Traces:
    """The traces of one panel without parallel coordinates.

    Attributes:
        data: plotly's traces, from back to front.
        links: number of the trace -> rows of the table of trials, as ``count_runs`` packs them.
    """

    def __init__(self, panel: Panel, groups: Sequence[str], rows: Rows):
        self.data: list[dict[str, Any]] = []
        self.links: dict[str, list[list[int]]] = {}
        self._panel, self._rows, self._places = panel, rows, choose_places(panel)
        for mark in panel.marks:
            if isinstance(mark, Heat):
                self._draw_heat(mark)
            elif isinstance(mark, Bars):
                self._draw_bars(mark, choose_look(mark.group, groups))
            elif isinstance(mark, Line):
                self._draw_line(mark, choose_look(mark.group, groups))
            elif isinstance(mark, Points):
                self._draw_points(mark, choose_look(mark.group, groups))

    def _draw_bars(self, mark: Bars, look: Look) -> None:
        place = {"y": list(range(len(mark.length))), "x": pack_columns(mark.length), "width": BAR, "orientation": "h"}
        hover = self._format_hover(mark.group, y=False)
        self.data.append({"type": "bar", **place, "marker": {"color": look.colour}, "hovertemplate": hover})

    def _scatter(self, mark: Line | Points, x: Numbers, y: Numbers, **more: Any) -> dict[str, Any]:
        """A trace of plotly; its ``meta`` is how the page's legend finds the traces that it hides and shows."""
        meta = {"group": mark.group, "label": mark.label if isinstance(mark, Line) else ""}
        return {"type": "scatter", "x": pack_columns(x), "y": pack_columns(y), "meta": meta, **more}

    def _draw_line(self, mark: Line, look: Look) -> None:
        x, y = np.asarray(mark.x, float), np.asarray(mark.y, float)
        line = {"color": look.colour, "width": 1 if mark.thin else 2}
        line |= ({"shape": "hv"} if mark.step else {}) | ({"dash": "dash"} if mark.dashed else {})
        hover = self._format_hover(mark.label or mark.group, linked=bool(mark.links))
        more: dict[str, Any] = {"mode": "lines", "line": line, "connectgaps": False, "hovertemplate": hover}
        if pieces := list(split_pieces(x, *mark.bounds)) if mark.bounds else []:
            across = np.concatenate([part for at, *_ in pieces for part in (at, at[::-1], [math.nan])])[:-1]
            up = np.concatenate([part for _, low, high in pieces for part in (low, high[::-1], [math.nan])])[:-1]
            filled = {"fill": "toself", "fillcolor": look.colour, "opacity": BAND_OPACITY, "hoverinfo": "skip"}
            outline = {"width": 0, "color": look.colour}
            self.data.append(self._scatter(mark, across, up, mode="lines", line=outline, **filled))
        if mark.thin:
            x = pd.Series(x).ffill().to_numpy()  # Whole numbers without gaps take a quarter of the space.
            curve = np.cumsum(np.isnan(y))  # The break belongs to the curve after it.
            count = min(BUNDLES, int(curve.max(initial=0)) + 1)
            for bundle in range(count):
                there = np.flatnonzero(curve % count == bundle)
                links = [str(mark.links[place]) for place in there.tolist()] if mark.links else ()
                self._append(self._scatter(mark, x[there], y[there], **more, opacity=THIN_OPACITY), mark.group, links)
            return
        if not mark.dashed and look.number >= 0:  # Another cue beside the colour.
            marker = {"symbol": look.symbol, "size": MARKER_PX, "color": look.colour}
            more |= {"mode": "lines+markers", "marker": marker}
            if len(x) > MARKED:
                marker["maxdisplayed"] = 12
        self._append(self._scatter(mark, x, y, **more), mark.group, mark.links)

    def _draw_points(self, mark: Points, look: Look) -> None:
        around = {"width": 1, "color": SURFACE[0]}
        if mark.hollow:
            around = {"width": 2, "color": look.colour}
        elif mark.emphasis:
            around = {"width": 1.5, "color": INK[0]}
        marker = {
            "color": SURFACE[0] if mark.hollow else look.colour,
            "symbol": look.symbol,
            "size": MARKER_PX + (5 if mark.emphasis else 0),
            "line": around,
            "opacity": mark.opacity,
        }
        hover = self._format_hover(mark.group, linked=bool(mark.links), texts=bool(mark.texts))
        trace = self._scatter(mark, mark.x, mark.y, mode="markers", marker=marker, hovertemplate=hover)
        if mark.bounds:
            y, (low, high) = np.asarray(mark.y, float), mark.bounds
            reach = {"array": pack_columns(high - y), "arrayminus": pack_columns(y - low)}
            trace["error_y"] = {**ERRORS, **reach, "color": look.colour}
        if mark.texts:
            trace["text"] = [escape_html(text) for text in mark.texts]
        if mark in self._places:
            font = {"size": 12, "color": INK[0], "shadow": HALO[0]}
            trace["text"] = [escape_html(break_name(text)).replace("\n", "<br>") for text in mark.texts]
            trace |= {"mode": "markers+text", "textposition": self._places[mark], "textfont": font, "cliponaxis": False}
        self._append(trace, mark.group, mark.links)

    def _draw_heat(self, mark: Heat) -> None:
        x, y, cells = self._panel.x, self._panel.y, list(list_heat_cells(mark))
        hover = np.full(mark.z.shape, "", dtype=object)
        for row, column, text, _ in cells:
            said = ((x.label, x.categories[column]), (y.label, y.categories[row]), (mark.unit, text))
            hover[row, column] = "<br>".join(escape_html(f"{what}: {value}") for what, value in said)
        title = {"text": escape_html(mark.unit), "side": "right"}
        bar = {"title": title, "thickness": 12, "outlinewidth": 0, "tickcolor": MUTED[0]}
        values = {"z": [pack_columns(row) for row in mark.z], "zmin": mark.low, "zmax": mark.high}
        self.data.append({**HEAT, **values, "hovertext": hover.tolist(), "colorbar": bar})
        for ink in sorted({cell[3] for cell in cells}):
            alike = [cell for cell in cells if cell[3] == ink]
            at = {"x": [cell[1] for cell in alike], "y": [cell[0] for cell in alike]}
            font = {"size": 12, "color": ink[0]}
            self.data.append({**TEXT, **at, "text": [cell[2] for cell in alike], "textfont": font})

    def _append(self, trace: dict[str, Any], group: str, links: Sequence[str]) -> None:
        if links:
            self.links[str(len(self.data))] = count_runs([self._rows(group, link) for link in links])
        self.data.append(trace)

    def _format_hover(self, name: str, y: bool = True, linked: bool = False, texts: bool = False) -> str:
        """What stands under the pointer; plotly fills in what is between braces."""
        lines = [f"<b>{_remove_braces(name)}</b>" if name else "", "%{text}" if texts else ""]
        if not self._panel.x.categories:
            lines.append(f"{_remove_braces(self._panel.x.label)}: %{{x:.5~g}}")
        if y and not self._panel.y.categories:
            lines.append(f"{_remove_braces(self._panel.y.label)}: %{{y:.5~g}}")
        return "<br>".join(filter(None, [*lines, "%{customdata}" if linked else ""])) + "<extra></extra>"


def _remove_braces(text: str) -> str:
    return escape_html(text).replace("%{", "%\u200b{")
