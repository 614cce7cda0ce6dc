import io
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from analysis.figures.figure import Axis, Drawing, Line, Panel, Parallel, Points
from analysis.render.paper import PANEL_INCHES, SETTINGS, _make_figure, check_drawable, draw_for_paper
from analysis.render.theme import MUTED
from tests.drawings import samples

ROOT = Path(__file__).resolve().parents[3]
DRAWINGS = {drawing.name: drawing for drawing in samples()}


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_kind_of_figure_has_ink(name: str) -> None:
    found = draw_for_paper(DRAWINGS[name])
    picture = imread(io.BytesIO(found.png))
    assert (picture[..., :3].min(axis=2) < 0.9).mean() > 0.01
    assert found.pdf.startswith(b"%PDF")
    assert b"/FontFile2" in found.pdf
    assert b"CreationDate" not in found.pdf


def test_the_same_drawing_gives_the_same_bytes_later() -> None:
    drawing = DRAWINGS["seeds"]
    first = draw_for_paper(drawing)
    time.sleep(1.1)  # Times in a PDF and in a font are whole seconds.
    assert draw_for_paper(drawing) == first


def test_the_users_settings_neither_change_nor_matter() -> None:
    drawing = DRAWINGS["importance"]
    expected = draw_for_paper(drawing)
    with matplotlib.rc_context({"lines.linewidth": 9.0, "axes.facecolor": "red", "font.size": 30.0}):
        before = dict(matplotlib.rcParams)
        assert draw_for_paper(drawing) == expected
        assert dict(matplotlib.rcParams) == before


DRAW = (
    "import sys\n"
    "from analysis.render.paper import draw_for_paper\n"
    "from tests.drawings import samples\n"
    "both = draw_for_paper({drawing.name: drawing for drawing in samples()}['importance'])\n"
    "sys.stdout.buffer.write(both.png + both.pdf)\n"
)


@pytest.mark.parametrize(
    ("settings", "backend"),
    [
        (b"text.usetex: True\npdf.fonttype: 3\nsavefig.bbox: tight\nbackend: qtagg\n", None),
        (b"\xff\xfe: no text", "nosuch"),
        (b"no.such: 1\nfont.size: big\n", "module://matplotlib_inline.backend_inline"),  # Of a terminal in Jupyter.
    ],
    ids=["sound", "not UTF-8", "unknown"],
)
def test_a_users_files_and_environment_do_not_matter(settings: bytes, backend: str | None, tmp_path: Path) -> None:
    (tmp_path / "stylelib").mkdir()
    (tmp_path / "stylelib" / "default.mplstyle").write_bytes(b"\xff\xfe")
    (tmp_path / "matplotlibrc").write_bytes(settings)
    environment = os.environ | {"MPLCONFIGDIR": str(tmp_path)} | ({"MPLBACKEND": backend} if backend else {})
    done = subprocess.run([sys.executable, "-c", DRAW], cwd=ROOT, env=environment, capture_output=True, check=False)
    expected = draw_for_paper(DRAWINGS["importance"])
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected.png + expected.pdf


def test_a_strangers_names_are_drawn_as_they_are() -> None:
    name = "$\\frac{1}$ \u6f22 \U0001f9ff %s"
    mark = Points([1], [2], name, texts=[name], named=True)
    panel = Panel(name, Axis(name, categories=(name, name)), Axis(name, log=True), [mark], rungs=[(1, name)])
    draw_for_paper(Drawing("n", name, name, [panel], 1, (name,)))
    assert check_drawable(name) == "$\\frac{1}$ ? ? %s"


def test_gaps_and_nothing_at_all_are_drawn() -> None:
    nan = float("nan")
    marks = [
        Line([1, nan, 2], [nan, nan, nan], "g", thin=True),
        Line([], [], "g", low=[], high=[]),
        Points([nan], [nan], "g", low=[nan], high=[nan], texts=["x"], named=True),
    ]
    draw_for_paper(Drawing("n", "", "", [Panel("", Axis("", log=True), Axis(""), marks)], 2, ("g",)))


def test_a_thousand_curves_are_pixels_in_the_pdf() -> None:
    x = np.tile(np.append(np.arange(20.0), np.nan), 1000)
    drawing = Drawing("n", "", "", [Panel("", Axis(""), Axis(""), [Line(x, x, "g", thin=True)])], 1, ("g",))
    assert len(draw_for_paper(drawing).pdf) < 200_000


def test_a_long_legend_takes_no_room_from_the_axes() -> None:
    def axis_pixels(groups: int) -> int:
        names = tuple(f"invB+inv{number}-C-w16" for number in range(groups))
        marks = [Line([0, 1], [0, 1], name, label=name) for name in names]
        picture = imread(
            io.BytesIO(draw_for_paper(Drawing("n", "", "", [Panel("", Axis("x"), Axis("y"), marks)], 1, names)).png)
        )
        axis = np.all(np.isclose(picture[..., :3], to_rgb(MUTED[0]), atol=0.02), axis=2)
        return axis.sum(axis=0).max()  # The left edge.

    few = axis_pixels(2)
    assert few > 200
    assert axis_pixels(13) == pytest.approx(few, rel=0.05)


def test_axes_without_extent_are_drawn() -> None:
    same = Axis("", low=5.0, high=5.0)
    nan = Axis("", low=float("nan"), high=float("inf"))
    above = Axis("", low=100.0)
    for axis in (same, nan, above):
        draw_for_paper(Drawing("n", "", "", [Panel("", axis, axis, [Points([5.0], [5.0], "g")])], 1, ("g",)))


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("name", ["conv", "My_Depthwise_Separable_Convolution_With_Excitation@B+C-1f2e3d4c"])
def test_long_names_stay_within_the_figure(columns: int, named: bool, name: str) -> None:
    groups = [f"{number}{name}" for number in range(5)]
    marks = [Line([1, 2], [number, 2], group, label=f"{group}: incumbent") for number, group in enumerate(groups)]
    up = Axis("", categories=tuple(groups), low=-0.6, high=4.4) if named else Axis("%")
    panels = [Panel(group, Axis("epoch"), up, marks) for group in groups[:2]]
    with matplotlib.rc_context(SETTINGS):
        figure = _make_figure(Drawing("long", "Long names", "Caption.", panels, columns, groups))
        FigureCanvasAgg(figure).draw()
    boxes: list[Any] = [legend.get_window_extent() for legend in figure.legends]
    boxes += [axes.get_tightbbox() for axes in figure.axes]
    assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
    assert all(box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert all(axes.get_window_extent().width > 0.25 * PANEL_INCHES[0] * figure.dpi for axes in figure.axes)


def test_many_axes_of_parallel_coordinates_have_room_for_their_names() -> None:
    names = ["lr", "momentum", "weight_decay", "gain", "activation", "batch_size", "dropout", "schedule", "width"]
    axes = [Axis(name) for name in [*names, "validation accuracy (%)"]]
    mark = Parallel(axes, [np.arange(3.0)] * len(axes), np.arange(3.0), "accuracy")
    with matplotlib.rc_context(SETTINGS):
        figure = _make_figure(Drawing("parallel", "P", "Caption.", [Panel("", Axis(""), Axis(""), [mark])], 1))
        FigureCanvasAgg(figure).draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    for step in (0, 1):
        assert all(near.x1 < far.x0 for near, far in itertools.pairwise(boxes[step::2]))


@pytest.mark.parametrize("trials", [3, 8, 60])
def test_numbers_beside_the_axes_of_parallel_coordinates_hide_no_other(trials: int) -> None:
    """Also of a search that draws from ranges, whose values lie anywhere and may be few."""
    names = ("lr", "momentum", "weight_decay", "gain", "epsilon", "validation accuracy (%)")
    for seed in range(3):
        random = np.random.default_rng(seed)
        values = [
            10 ** random.uniform(-4, 0, trials) if name in names[:3:2] else random.beta(9, 2, trials) for name in names
        ]
        axes = [Axis(name, log=name in names[:3:2]) for name in names[:-1]]
        mark = Parallel([*axes, Axis(names[-1], low=0, high=1)], values, values[-1], "accuracy")
        with matplotlib.rc_context(SETTINGS):
            figure = _make_figure(Drawing("parallel", "P", "Caption.", [Panel("", Axis(""), Axis(""), [mark])], 1))
            FigureCanvasAgg(figure).draw()
        texts = [*figure.axes[0].texts, *figure.axes[0].get_xticklabels()]
        assert len(texts) > 3 * len(names)
        boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
        hidden = [(one, other) for (one, a), (other, b) in itertools.combinations(boxes, 2) if a.overlaps(b)]
        assert hidden == []
