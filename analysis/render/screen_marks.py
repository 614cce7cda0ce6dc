"""Marks as traces of plotly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.figures.figure import Bars, Heat, Line, Mark, Panel, Points
from analysis.render.labels import choose_places
from analysis.render.layout import group_bundles, heat_cells, hold_within, split_pieces
from analysis.render.packed import count_runs, escape_html, pack_columns
from analysis.render.theme import (
    BAND_OPACITY,
    BAR,
    CELL_INK,
    INK,
    MARKER_PX,
    MUTED,
    SEQUENTIAL,
    SURFACE,
    THIN_OPACITY,
    Look,
    choose_look,
)

if TYPE_CHECKING:
    from analysis.render.screen import Rows

MARKED = 40  # Points of a line up to which each has a marker.
CELL_FONT_PX = 12
BUNDLES = 6  # A single SVG path is evenly faint, however many of its curves overlap.
COLOUR_SCALE = [[place / (len(SEQUENTIAL) - 1), colour] for place, colour in enumerate(SEQUENTIAL)]


class Traces:
    """The traces of one panel.

    Attributes:
        data: plotly's traces, from back to front.
        links: number of the trace -> rows of the table of trials, as ``count_runs`` packs them.
    """

    def __init__(self, panel: Panel, groups: Sequence[str], rows: Rows):
        self.data: list[dict[str, Any]] = []
        self.links: dict[str, list[list[int]]] = {}
        self._panel = panel
        self._groups = groups
        self._rows = rows
        self._places = {id(panel.marks[number]): names for number, names in choose_places(panel).items()}

    def add(self, mark: Mark) -> None:
        """Adds any mark but parallel coordinates."""
        if isinstance(mark, Heat):
            self._draw_heat(mark)
        elif isinstance(mark, Bars):
            self._bars(mark)
        elif isinstance(mark, Line):
            self._draw_line(mark, choose_look(mark.group, self._groups))
        elif isinstance(mark, Points):
            self._draw_points(mark, choose_look(mark.group, self._groups))

    def _bars(self, mark: Bars) -> None:
        self.data.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": list(range(len(mark.length))),
                "x": pack_columns(mark.length),
                "width": BAR,
                "marker": {"color": choose_look(mark.group, self._groups).colour},
                "hovertemplate": self._format_hover(mark.group, y=False),
            }
        )

    def _scatter(self, mark: Line | Points, name: str, **more: Any) -> dict[str, Any]:
        """A trace of plotly; its ``meta`` is how the page's legend finds the traces that it hides and shows."""
        return {
            "type": "scatter",
            "x": pack_columns(mark.x),
            "y": pack_columns(mark.y),
            "hovertemplate": self._format_hover(name, linked=bool(mark.links), texts="text" in more),
            "meta": {"group": mark.group, "label": mark.label if isinstance(mark, Line) else ""},
            **more,
        }

    def _draw_line(self, mark: Line, look: Look) -> None:
        self._band(mark, look)
        line = {"color": look.colour, "width": 1 if mark.thin else 2}
        line |= ({"shape": "hv"} if mark.step else {}) | ({"dash": "dash"} if mark.dashed else {})
        trace = self._scatter(mark, mark.label or mark.group, mode="lines", line=line, connectgaps=False)
        if mark.thin:
            trace["opacity"] = THIN_OPACITY
            x, y = hold_within(np.asarray(mark.x, float)), np.asarray(mark.y, float)
            for there in group_bundles(mark, BUNDLES):
                part = {**trace, "x": pack_columns(x[there]), "y": pack_columns(y[there])}
                self._append(part, mark.group, [str(mark.links[place]) for place in there] if mark.links else ())
            return
        if not mark.dashed and look.number >= 0:  # Another cue beside the colour.
            trace["mode"] = "lines+markers"
            trace["marker"] = {"symbol": look.symbol, "size": MARKER_PX, "color": look.colour}
            if len(mark.x) > MARKED:
                trace["marker"]["maxdisplayed"] = 12
        self._append(trace, mark.group, mark.links)

    def _band(self, mark: Line, look: Look) -> None:
        """Adds an area around a line, in one piece for each stretch without a gap."""
        xs, ys = [], []
        for x, low, high in split_pieces(np.asarray(mark.x, float), *mark.bounds) if mark.bounds else ():
            xs += [x, x[::-1], [math.nan]]
            ys += [low, high[::-1], [math.nan]]
        if xs:
            filled = {"fill": "toself", "fillcolor": look.colour, "opacity": BAND_OPACITY, "hoverinfo": "skip"}
            outline = {"width": 0, "color": look.colour}
            band = self._scatter(mark, "", mode="lines", line=outline, **filled)
            del band["hovertemplate"]
            self.data.append(
                band | {"x": pack_columns(np.concatenate(xs)[:-1]), "y": pack_columns(np.concatenate(ys)[:-1])}
            )

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
        texts = {"text": [escape_html(text) for text in mark.texts]} if mark.texts else {}
        trace = self._scatter(mark, mark.group, mode="markers", marker=marker, **texts)
        if mark.bounds:
            y, (low, high) = np.asarray(mark.y, float), mark.bounds
            trace["error_y"] = {
                "type": "data",
                "symmetric": False,
                "array": pack_columns(high - y),
                "arrayminus": pack_columns(y - low),
                "color": look.colour,
                "thickness": 1.5,
                "width": 4,
            }
        if mark.named and texts:
            trace["mode"] = "markers+text"
            trace["textposition"] = self._places[id(mark)]
            trace["textfont"] = {"size": 12, "color": INK[0]}
            trace["cliponaxis"] = False
        self._append(trace, mark.group, mark.links)

    def _draw_heat(self, mark: Heat) -> None:
        x, y, cells = self._panel.x, self._panel.y, list(heat_cells(mark))
        hover = [[""] * mark.z.shape[1] for _ in mark.z]
        for row, column, text, _ in cells:
            said = ((x.label, x.categories[column]), (y.label, y.categories[row]), (mark.unit, text))
            hover[row][column] = "<br>".join(escape_html(f"{what}: {value}") for what, value in said)
        title = {"text": escape_html(mark.unit), "side": "right"}
        self.data.append(
            {
                "type": "heatmap",
                "z": [pack_columns(row) for row in mark.z],
                "zmin": mark.low,
                "zmax": mark.high,
                "colorscale": COLOUR_SCALE,
                "hovertext": hover,
                "hoverinfo": "text",
                "hoverongaps": False,
                "xgap": 2,
                "ygap": 2,
                "colorbar": {"title": title, "thickness": 12, "outlinewidth": 0, "tickcolor": MUTED[0]},
            }
        )
        for light in (True, False):
            alike = [cell for cell in cells if cell[3] == light]
            self.data.append(
                {
                    "type": "scatter",
                    "mode": "text",
                    "x": [column for _, column, _, _ in alike],
                    "y": [row for row, _, _, _ in alike],
                    "text": [text for _, _, text, _ in alike],
                    "textfont": {"size": CELL_FONT_PX, "color": CELL_INK[light]},
                    "hoverinfo": "skip",
                }
            )

    def _append(self, trace: dict[str, Any], group: str, links: Sequence[str]) -> None:
        if links:
            self.links[str(len(self.data))] = count_runs([self._rows(group, link) for link in links])
        self.data.append(trace)

    def _format_hover(self, name: str, y: bool = True, linked: bool = False, texts: bool = False) -> str:
        """What stands under the pointer; plotly fills in what is between braces."""
        x, height = self._panel.x, self._panel.y
        lines = [f"<b>{_remove_braces(name)}</b>"] if name else []
        lines += ["%{text}"] if texts else []
        lines += [] if x.categories else [f"{_remove_braces(x.label)}: %{{x:.5~g}}"]
        lines += [f"{_remove_braces(height.label)}: %{{y:.5~g}}"] if y and not height.categories else []
        lines += ["%{customdata}"] if linked else []
        return "<br>".join(lines) + "<extra></extra>"


def _remove_braces(text: str) -> str:
    return escape_html(text).replace("%{", "%\u200b{")
