"""Drawings for paper: matplotlib, the same bytes for the same drawing whatever the user's settings and the time."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import analysis.render.own_matplotlib  # noqa: F401 - before any other import of matplotlib.

# isort: split
import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter

from analysis.figures.figure import Axis, Drawing, Heat, Panel, Points
from analysis.render.layout import (
    Entry,
    choose_log_ticks,
    find_limits,
    holds,
    make_parallel,
    place_legend,
    sort_downwards,
    tick,
    wrap,
)
from analysis.render.paper_marks import check_drawable, draw_mark, write
from analysis.render.paper_parallel import draw_parallel
from analysis.render.theme import GRID, INK, MUTED, PAPER_FONT_PT

STYLE = {
    "font.family": "DejaVu Sans",  # Comes with matplotlib, so every machine has it.
    "font.size": PAPER_FONT_PT,
    "axes.titlesize": PAPER_FONT_PT,
    "axes.labelsize": PAPER_FONT_PT,
    "axes.edgecolor": MUTED[0],
    "axes.labelcolor": INK[0],
    "text.color": INK[0],
    "text.parse_math": False,  # A $ in a name is a $.
    "xtick.color": MUTED[0],
    "ytick.color": MUTED[0],
    "xtick.labelcolor": INK[0],
    "ytick.labelcolor": INK[0],
    "grid.color": GRID[0],
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,  # Whole outlines: some publishers refuse Type 3.
    "figure.constrained_layout.use": True,
}
STANDARD = {name: value for name, value in rcParamsDefault.items() if name not in ("backend", "backend_fallback")}
DPI = 180
PANEL_INCHES = (3.4, 2.5)
PARALLEL_INCHES = (6.8, 3.0)
WIDEST_INCHES = 14.0
LINE_INCHES, MARGIN_INCHES = 0.165, 0.085  # Of a legend.


class Printed(NamedTuple):
    """A drawing as files: PNG for slides and web pages, PDF with embedded fonts for print."""

    png: bytes
    pdf: bytes


def draw_for_paper(drawing: Drawing) -> Printed:
    """Draws a figure for paper."""
    settings: Any = {**STANDARD, **STYLE}
    with rc_context(settings):  # Not matplotlib.style, which reads the user's style files.
        figure = _make_figure(drawing)
        png, pdf = io.BytesIO(), io.BytesIO()
        FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
        figure.set_layout_engine("none")  # As laid out for the PNG; another layout would move things by hairs.
        FigureCanvasPdf(figure).print_pdf(pdf, metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return Printed(png.getvalue(), pdf.getvalue())


def _make_figure(drawing: Drawing) -> Figure:
    columns = max(1, min(drawing.columns, len(drawing.panels)))
    widths, tall = zip(*map(_compute_inches, drawing.panels), strict=True)
    heights = [max(tall[start : start + columns]) for start in range(0, len(tall), columns)]
    width = min(WIDEST_INCHES, columns * max(widths))
    entries = place_legend(drawing)
    abreast = max(1, min(len(entries), int(width / 1.6)))
    lines = -(-len(entries) // abreast)
    figure = Figure(figsize=(width, sum(heights) + bool(entries) * MARGIN_INCHES + lines * LINE_INCHES), dpi=DPI)
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for place, panel in enumerate(drawing.panels):
        _draw(figure.add_subplot(grid[place // columns, place % columns]), panel, drawing)
    if entries:
        figure.legend(
            handles=[_make_handle(entry) for entry in entries],
            loc="outside lower center",
            ncols=abreast,
            frameon=False,
            columnspacing=1.0,  # Names of the text's architectures fit side by side.
            handletextpad=0.5,
        )
    return figure


def _compute_inches(panel: Panel) -> tuple[float, float]:
    width, height = PARALLEL_INCHES if make_parallel(panel) else PANEL_INCHES
    if sort_downwards(panel):
        height = max(1.6, 0.8 + (0.5 if holds(panel, Points) else 0.24) * len(panel.y.categories))
    elif holds(panel, Heat):
        height = max(height, 0.9 + 0.36 * len(panel.y.categories))
    return width, height


def _draw(axes: Axes, panel: Panel, drawing: Drawing) -> None:
    if panel.title:
        axes.set_title(check_drawable(panel.title))
    parallel = make_parallel(panel)
    if parallel is not None:
        draw_parallel(axes, parallel)
        return
    for name, axis in (("x", panel.x), ("y", panel.y)):
        _draw_axis(axes, name, axis, choose_log_ticks(panel, name))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    for at, label in panel.rungs:
        axes.axvline(at, color=MUTED[0], linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.5)
        write(axes, label, (at, 1), (0, 2), "center bottom", xycoords=("data", "axes fraction"), color=MUTED[0])
    if panel.rungs and panel.title:
        axes.set_title(check_drawable(panel.title), pad=14)
    for mark in panel.marks:
        draw_mark(axes, panel, mark, drawing.groups)
    _set_limit(axes, panel)


def _draw_axis(axes: Axes, name: str, axis: Axis, at: list[float]) -> None:
    own = axes.xaxis if name == "x" else axes.yaxis
    own.set_label_text(check_drawable(axis.label))
    if axis.whole:
        own.set_major_locator(MaxNLocator(integer=True))
    if axis.log:
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
        own.set_minor_formatter(NullFormatter())
        own.set_ticks(at, labels=[tick(value) for value in at])
    if axis.categories:
        names = wrap(axis.categories) if name == "x" else axis.categories
        own.set_ticks(np.arange(len(axis.categories)), labels=[check_drawable(text) for text in names])
    else:
        own.grid(True)


def _set_limit(axes: Axes, panel: Panel) -> None:
    for name, axis in (("x", panel.x), ("y", panel.y)):
        low, high = find_limits(axis)
        seen = sorted(axes.get_xlim() if name == "x" else axes.get_ylim())
        low, high = (seen[0] if low is None else low), (seen[1] if high is None else high)
        if low < high and (axis.low, axis.high, axis.categories) != (None, None, ()):
            (axes.set_xlim if name == "x" else axes.set_ylim)(low, high)
    if sort_downwards(panel):
        axes.invert_yaxis()


def _make_handle(entry: Entry) -> Line2D:
    kind: Any = {"linestyle": "--" if entry.dashed else "-", "marker": entry.look.marker if entry.marked else ""}
    return Line2D([], [], color=entry.look.colour, **kind, markersize=4.5, label=check_drawable(entry.label))
