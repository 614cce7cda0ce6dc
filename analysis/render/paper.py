"""Drawings for paper: matplotlib, the same bytes for the same drawing whatever the user's settings and the time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import analysis.render.own_matplotlib  # noqa: F401 - before any other import of matplotlib.

# isort: split
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter

from analysis.figures.figure import Drawing, Heat, Panel, Parallel, Points
from analysis.render.layout import (
    Entry,
    break_name,
    choose_ticks,
    count_lines,
    find_limits,
    find_mark,
    place_legend,
    sort_downwards,
)
from analysis.render.paper_marks import check_drawable, draw_mark, draw_parallel, write
from analysis.render.theme import GRID, INK, MUTED, PAPER_FONT_PT

SETTINGS: Any = {
    **{name: value for name, value in rcParamsDefault.items() if name not in ("backend", "backend_fallback")},
    **dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize"), PAPER_FONT_PT),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK[0]),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), MUTED[0]),
    "font.family": "DejaVu Sans",  # Comes with matplotlib, so every machine has it.
    "text.parse_math": False,  # A $ in a name is a $.
    "grid.color": GRID[0],
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,  # Whole outlines: some publishers refuse Type 3.
    "figure.constrained_layout.use": True,
}
DPI = 180
PANEL_INCHES = (3.4, 2.5)
PARALLEL_INCHES = (6.8, 3.0)
WIDEST_INCHES = 14.0
LINE_INCHES, MARGIN_INCHES = 0.165, 0.085  # Of a legend.
ENTRY_INCHES, HANDLE_INCHES, LETTER_INCHES = 1.6, 0.45, 0.06  # The least that one takes; a letter on average.
LEGEND_LETTERS, TITLE_LETTERS = 40, 48  # Beyond which names are broken into lines.
NARROW_LETTERS = 24  # Of a title that fits between the names of a vertical axis and the edge.
USUAL_AXES, AXIS_INCHES = 6, 1.1  # Of parallel coordinates; what each further one takes.


class Printed(NamedTuple):
    """A drawing as files: PNG for slides and web pages, PDF with embedded fonts for print."""

    png: bytes
    pdf: bytes


def draw_for_paper(drawing: Drawing) -> Printed:
    """Draws a figure for paper."""
    with rc_context(SETTINGS):  # Not matplotlib.style, which reads the user's style files.
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
    abreast = _count_abreast(entries, width)
    rows = -(-len(entries) // abreast)
    lines = rows * max((1 + break_name(entry.label, LEGEND_LETTERS).count("\n") for entry in entries), default=1)
    figure = Figure(figsize=(width, sum(heights) + bool(entries) * MARGIN_INCHES + lines * LINE_INCHES), dpi=DPI)
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for place, panel in enumerate(drawing.panels):
        _draw(figure.add_subplot(grid[place // columns, place % columns]), panel, drawing)
    if entries:
        handles = []
        for entry in entries:
            line: Any = {"color": entry.look.colour, "linestyle": "--" if entry.dashed else "-"}
            marker: Any = {"marker": entry.look.marker if entry.marked else "", "markersize": 4.5}
            handles.append(
                Line2D([], [], **line, **marker, label=check_drawable(break_name(entry.label, LEGEND_LETTERS)))
            )
        narrow = {"columnspacing": 1.0, "handletextpad": 0.5}  # Names of the chapter's architectures fit side by side.
        figure.legend(handles=handles, loc="outside lower center", ncols=abreast, frameon=False, **narrow)
    return figure


def _count_abreast(entries: Sequence[Entry], width: float) -> int:
    """How many entries of a legend fit beside each other; matplotlib fills it column by column."""
    for count in range(min(len(entries), int(width / ENTRY_INCHES)), 1, -1):
        rows = -(-len(entries) // count)
        columns = (entries[start : start + rows] for start in range(0, len(entries), rows))
        letters = sum(max(min(len(entry.label), LEGEND_LETTERS) for entry in column) for column in columns)
        if count * HANDLE_INCHES + letters * LETTER_INCHES <= width:
            return count
    return 1


def _compute_inches(panel: Panel) -> tuple[float, float]:
    width, height = PANEL_INCHES
    if parallel := find_mark(panel, Parallel):
        width, height = PARALLEL_INCHES
        width = min(WIDEST_INCHES, width + AXIS_INCHES * max(0, len(parallel.axes) - USUAL_AXES))
    if sort_downwards(panel):
        height = max(1.6, 0.8 + (0.5 if find_mark(panel, Points) else 0.24) * count_lines(panel))
    elif find_mark(panel, Heat):
        height = max(height, 0.9 + 0.36 * len(panel.y.categories))
    return width, height


def _draw(axes: Axes, panel: Panel, drawing: Drawing) -> None:
    title = check_drawable(break_name(panel.title, TITLE_LETTERS))
    beside: Any = (
        {"loc": "right"} if sort_downwards(panel) and len(title) > NARROW_LETTERS else {}
    )  # Names leave little.
    if title:
        axes.set_title(title, **beside)
    if parallel := find_mark(panel, Parallel):
        draw_parallel(axes, parallel)
        return
    for side in ("x", "y"):
        _draw_axis(axes, panel, side)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    for at, label in panel.rungs:
        axes.axvline(at, color=MUTED[0], linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.5)
        write(axes, label, (at, 1), (0, 2), "center bottom", xycoords=("data", "axes fraction"), color=MUTED[0])
    if panel.rungs and title:
        axes.set_title(title, pad=14)
    for mark in panel.marks:
        draw_mark(axes, panel, mark, drawing.groups)
    for side, axis in (("x", panel.x), ("y", panel.y)):
        seen = sorted(getattr(axes, f"get_{side}lim")())
        low, high = (there if asked is None else asked for asked, there in zip(find_limits(axis), seen, strict=True))
        if low < high and (axis.low, axis.high, axis.categories) != (None, None, ()):
            axes.set(**{f"{side}lim": (low, high)})
    if sort_downwards(panel):
        axes.invert_yaxis()


def _draw_axis(axes: Axes, panel: Panel, side: Literal["x", "y"]) -> None:
    axis, own = getattr(panel, side), getattr(axes, f"{side}axis")
    own.set_label_text(check_drawable(axis.label))
    if axis.whole:
        own.set_major_locator(MaxNLocator(integer=True))
    if axis.log:
        axes.set(**{f"{side}scale": "log"})
        own.set_minor_formatter(NullFormatter())
    if axis.log or axis.categories:
        ticks = choose_ticks(panel, side)
        own.set_ticks([at for at, _ in ticks], labels=[check_drawable(text) for _, text in ticks])
    if not axis.categories:
        own.grid(True)
