import base64
import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest

from analysis.figures.figure import Axis, Drawing, Line, Panel, Points
from analysis.render.packed import count_runs, escape_html, pack_columns
from analysis.render.screen import make_panels
from tests.drawings import GROUPS, curves, parallel, samples

DRAWINGS = {drawing.name: drawing for drawing in samples()}


def none(group: str, trial: str) -> int:
    return -1


def decoded(column: list | dict) -> np.ndarray:
    if isinstance(column, list):
        return np.array([math.nan if value is None else value for value in column], float)
    return np.frombuffer(base64.b64decode(column["bdata"]), column["dtype"]).astype(float)


@pytest.mark.parametrize("name", DRAWINGS)
def test_plotly_accepts_every_panel(name: str) -> None:
    for panel in make_panels(DRAWINGS[name], none):
        json.dumps(panel, allow_nan=False)
        if "data" in panel:
            go.Figure({"data": panel["data"], "layout": panel["layout"]})  # Raises for what plotly does not know.


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.arange(200), "u1"),
        (np.arange(200) * 100, "i2"),
        (np.arange(200) * 1000, "i4"),
        (np.arange(200) / 8, "f4"),
        (np.append(np.arange(200), math.nan), "f4"),
    ],
)
def test_long_columns_come_back_from_their_smallest_type(values: np.ndarray, kind: str) -> None:
    column = pack_columns(values)
    assert isinstance(column, dict)
    assert column["dtype"] == kind
    np.testing.assert_array_equal(decoded(column), values)


def test_short_columns_stay_lists() -> None:
    assert pack_columns([1.5, math.nan, math.inf]) == [1.5, None, None]


def test_equal_neighbours_are_counted() -> None:
    assert count_runs([3, 3, 1, 3]) == [[3, 2], [1, 1], [3, 1]]


def test_many_curves_keep_every_point_and_its_trial() -> None:
    rows = {"a": 0, "b": 1, "c": 2}
    drawing = curves()
    line = drawing.panels[0].marks[0]
    assert isinstance(line, Line)
    panel = make_panels(drawing, lambda group, trial: rows[trial])[0]
    found = set()
    for number, links in panel["links"].items():
        trace = panel["data"][int(number)]
        owners = np.repeat([row for row, _ in links], [count for _, count in links])
        points = zip(decoded(trace["x"]), decoded(trace["y"]), owners, strict=True)
        found |= {(x, round(y, 3), row) for x, y, row in points if y == y}
    points = zip(line.x, line.y, line.links, strict=True)
    expected = {(x, round(float(np.float32(y)), 3), rows[trial]) for x, y, trial in points if y == y}
    assert found == expected


def test_ten_thousand_curves_of_twenty_epochs_are_small() -> None:
    panel = make_panels(curves(trials=10_000), lambda group, trial: 12345)[0]
    assert len(json.dumps(panel)) < 1_500_000  # 200,000 values of 4 bytes are 1,067,000 letters.


def test_a_group_keeps_its_colour_in_every_figure() -> None:
    found = {group: set() for group in GROUPS}
    for drawing in samples():
        for panel in make_panels(drawing, none):
            for trace in panel.get("data", []):
                group = trace.get("meta", {}).get("group")
                colour = trace.get("line", trace.get("marker", {})).get("color")
                if group in found and colour and trace["type"] != "bar":
                    found[group].add(colour)
    assert all(len(colours - {"#ffffff"}) == 1 for colours in found.values())


def test_markup_in_names_is_text() -> None:
    assert escape_html("<a href='x'>&</a>") == "&lt;a href='x'&gt;&amp;&lt;/a&gt;"
    name = "<img src=x>%{x}"
    mark = Points([1], [2], name, texts=[name], named=True, links=["t"])
    drawing = Drawing("n", "t", "c", [Panel("", Axis(name), Axis(name), [mark], rungs=[(1, name)])], 1, (name,))
    panel = make_panels(drawing, none)[0]
    assert "<img" not in json.dumps([{**trace, "meta": ""} for trace in panel["data"]] + [panel["layout"]])
    (template,) = [trace["hovertemplate"] for trace in panel["data"]]
    assert "%{x}" not in template  # Only what we ask for is filled in.
    assert "%{x:" in template


def test_parallel_coordinates_scale_from_foot_to_head() -> None:
    panel = make_panels(parallel(), none)[0]["parallel"]
    lr = decoded(panel["axes"][0]["heights"])
    assert lr.min() >= 0
    assert lr.max() <= 1
    assert [text for _, text in panel["axes"][0]["ticks"]] == ["0.0316", "0.1", "0.316", "1"]
    steps = np.diff([height for height, _ in panel["axes"][0]["ticks"]])
    np.testing.assert_allclose(steps, steps[0], rtol=1e-2)  # Equal steps of the logarithm.
