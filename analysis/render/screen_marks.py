"""Marks as traces of plotly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.figures.figure import Axis, Bars, Heat, Line, Mark, Numbers, Panel, Points
from analysis.render.labels import places
from analysis.render.layout import bundles, held, pieces, staircase
from analysis.render.packed import packed, plain, runs_of
from analysis.render.theme import (
    BAND_OPACITY,
    CELL_INK,
    INK,
    MARKER_PX,
    MUTED,
    SEQUENTIAL,
    SURFACE,
    THIN_OPACITY,
    Look,
    look_of,
    reads_light,
)

if TYPE_CHECKING:
    from analysis.render.screen import Rows

MARKED = 40  # Points of a line up to which each has its marker.
CELL_FONT_PX = 12
BUNDLES = 6  # One path of SVG is evenly faint, however many of its curves overlap.
COLOUR_SCALE = [[place / (len(SEQUENTIAL) - 1), colour] for place, colour in enumerate(SEQUENTIAL)]


class Traces:
    """The traces of one panel.

    Attributes:
        data: plotly's traces, from back to front.
        links: number of the trace -> rows of the table of trials, as ``runs_of`` packs them.
    """

    def __init__(self, panel: Panel, groups: Sequence[str], rows: Rows):
        self.data: list[dict[str, Any]] = []
        self.links: dict[str, list[list[int]]] = {}
        self._panel = panel
        self._groups = groups
        self._rows = rows
        self._places = {id(panel.marks[number]): names for number, names in places(panel).items()}

    def add(self, mark: Mark) -> None:
        """Adds a line, points or a heat map."""
        if isinstance(mark, Line):
            self._line(mark)
        elif isinstance(mark, Points):
            self._points(mark)
        elif isinstance(mark, Heat):
            self._heat(mark)

    def add_bars(self, mark: Bars, centres: np.ndarray, thickness: float) -> None:
        """Adds bars at the given positions."""
        look = look_of(mark.group, self._groups)
        trace = {
            "type": "bar",
            "orientation": "h",
            "y": packed(centres),
            "x": packed(mark.length),
            "width": thickness * 0.9,
            "marker": {"color": look.colour},
            "hovertemplate": self._hover(mark.label or mark.group, y=False),
            "meta": _meta(mark),
        }
        if mark.low is not None and mark.high is not None:
            trace["error_x"] = _errors(mark.length, mark.low, mark.high, INK[0])
        self.data.append(trace)

    def _line(self, mark: Line) -> None:
        look = look_of(mark.group, self._groups)
        if mark.low is not None and mark.high is not None:
            self._band(mark, look)
        line: dict[str, Any] = {"color": look.colour, "width": 1 if mark.thin else 2}
        if mark.step:
            line["shape"] = "hv"
        if mark.dashed:
            line["dash"] = "dash"
        trace = {
            "type": "scatter",
            "mode": "lines",
            "x": packed(mark.x),
            "y": packed(mark.y),
            "line": line,
            "meta": _meta(mark),
            "connectgaps": False,
        }
        if mark.thin:
            trace["opacity"] = THIN_OPACITY
        elif not mark.dashed and look.number >= 0:  # Another cue beside the colour.
            trace["mode"] = "lines+markers"
            trace["marker"] = {"symbol": look.symbol, "size": MARKER_PX, "color": look.colour}
            if len(mark.x) > MARKED:
                trace["marker"]["maxdisplayed"] = 12
        if mark.thin and not mark.links:
            trace["hoverinfo"] = "skip"
        else:
            trace["hovertemplate"] = self._hover(mark.label or mark.group, linked=bool(mark.links))
        if not mark.thin:
            self._append(trace, mark.group, mark.links)
            return
        x, y = held(np.asarray(mark.x, float)), np.asarray(mark.y, float)
        for there in bundles(mark, BUNDLES):
            part = {**trace, "x": packed(x[there]), "y": packed(y[there])}
            self._append(part, mark.group, [str(mark.links[place]) for place in there] if mark.links else ())

    def _band(self, mark: Line, look: Look) -> None:
        edges = [np.asarray(values, float) for values in (mark.x, mark.low, mark.high)]
        xs: list[np.ndarray] = []
        ys: list[np.ndarray] = []
        for piece in pieces(*edges):
            x, low, high = staircase(*piece) if mark.step else piece
            xs += [x, x[::-1], np.array([math.nan])]
            ys += [low, high[::-1], np.array([math.nan])]
        if xs:
            band = {
                "type": "scatter",
                "mode": "lines",
                "x": packed(np.concatenate(xs)[:-1]),
                "y": packed(np.concatenate(ys)[:-1]),
                "fill": "toself",
                "fillcolor": look.colour,
                "opacity": BAND_OPACITY,
                "line": {"width": 0, "color": look.colour},
                "hoverinfo": "skip",
                "meta": _meta(mark),
            }
            self.data.append(band)

    def _points(self, mark: Points) -> None:
        look = look_of(mark.group, self._groups)
        size = MARKER_PX + (5 if mark.emphasis else 0)
        around = {"width": 2, "color": look.colour} if mark.hollow else {"width": 1, "color": SURFACE[0]}
        if mark.emphasis and not mark.hollow:
            around = {"width": 1.5, "color": INK[0]}
        trace = {
            "type": "scatter",
            "mode": "markers",
            "x": packed(mark.x),
            "y": packed(mark.y),
            "marker": {
                "color": SURFACE[0] if mark.hollow else look.colour,
                "symbol": look.symbol,
                "size": size,
                "line": around,
                "opacity": 1.0 if mark.emphasis or mark.hollow or len(mark.x) < 100 else 0.65,
            },
            "hovertemplate": self._hover(mark.label or mark.group, linked=bool(mark.links), texts=bool(mark.texts)),
            "meta": _meta(mark),
        }
        if mark.low is not None and mark.high is not None:
            trace["error_y"] = _errors(mark.y, mark.low, mark.high, look.colour)
        if mark.texts:
            trace["text"] = [plain(text) for text in mark.texts]
            if mark.named:
                trace["mode"] = "markers+text"
                trace["textposition"] = self._places[id(mark)]
                trace["textfont"] = {"size": 12, "color": INK[0]}
                trace["cliponaxis"] = False
        self._append(trace, mark.group, mark.links)

    def _heat(self, mark: Heat) -> None:
        z = np.asarray(mark.z, float)
        texts = mark.texts or [["" if math.isnan(value) else f"{value:.3g}" for value in row] for row in z]
        x, y = self._panel.x, self._panel.y
        hover = [
            [
                "<br>".join(
                    plain(f"{what}: {value}")
                    for what, value in (
                        (x.label, _category(x, column)),
                        (y.label, _category(y, row)),
                        (mark.unit, texts[row][column]),
                    )
                )
                for column in range(z.shape[1])
            ]
            for row in range(z.shape[0])
        ]
        self.data.append(
            {
                "type": "heatmap",
                "z": [[float(value) if np.isfinite(value) else None for value in row] for row in z],
                "zmin": mark.low,
                "zmax": mark.high,
                "colorscale": COLOUR_SCALE,
                "hovertext": hover,
                "hoverinfo": "text",
                "hoverongaps": False,
                "xgap": 2,
                "ygap": 2,
                "colorbar": {
                    "title": {"text": plain(mark.unit), "side": "right"},
                    "thickness": 12,
                    "outlinewidth": 0,
                    "tickcolor": MUTED[0],
                },
            }
        )

        light = np.array(
            [[reads_light((value - mark.low) / ((mark.high - mark.low) or 1.0)) for value in row] for row in z]
        )
        for colour, there in ((CELL_INK[1], light), (CELL_INK[0], ~light)):
            cells = np.argwhere(there & np.isfinite(z))
            self.data.append(
                {
                    "type": "scatter",
                    "mode": "text",
                    "x": [int(column) for _, column in cells],
                    "y": [int(row) for row, _ in cells],
                    "text": [plain(str(texts[row][column])) for row, column in cells],
                    "textfont": {"size": CELL_FONT_PX, "color": colour},
                    "hoverinfo": "skip",
                }
            )

    def _append(self, trace: dict[str, Any], group: str, links: Sequence[str]) -> None:
        if links:
            self.links[str(len(self.data))] = runs_of([self._rows(group, link) for link in links])
        self.data.append(trace)

    def _hover(self, name: str, y: bool = True, linked: bool = False, texts: bool = False) -> str:
        """What stands under the pointer; plotly fills in what is between braces."""
        x, height = self._panel.x, self._panel.y
        lines = [f"<b>{_no_braces(name)}</b>"] if name else []
        lines += ["%{text}"] if texts else []
        lines += [] if x.categories else [f"{_no_braces(x.label)}: %{{x:.5~g}}"]
        lines += [f"{_no_braces(height.label)}: %{{y:.5~g}}"] if y and not height.categories else []
        lines += ["%{customdata}"] if linked else []
        return "<br>".join(lines) + "<extra></extra>"


def _errors(middle: Numbers, low: Numbers, high: Numbers, colour: str) -> dict[str, Any]:
    centre = np.asarray(middle, float)
    return {
        "type": "data",
        "symmetric": False,
        "array": packed(np.asarray(high, float) - centre),
        "arrayminus": packed(centre - np.asarray(low, float)),
        "color": colour,
        "thickness": 1.5,
        "width": 4,
    }


def _meta(mark: Line | Points | Bars) -> dict[str, str]:
    """By which the page's legend finds the traces that it hides and shows."""
    return {"group": mark.group, "label": mark.label}


def _category(axis: Axis, place: int) -> str:
    return axis.categories[place] if place < len(axis.categories) else str(place)


def _no_braces(text: str) -> str:
    return plain(text).replace("%{", "%\u200b{")
