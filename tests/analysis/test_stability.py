import itertools

import pytest

from analysis import stability
from analysis.figures.figure import Line
from analysis.render.layout import place_legend
from analysis.render.paper import draw_for_paper

SHIFTS, WARPS = (0.0, 1.0, 4.0), (0.0, 0.1, 0.5)
BOUNDS = {"shift": lambda amount: amount / 2, "warp": lambda amount: 2 * amount}


def rows(change=lambda kind, amount, image: 0.1 * amount * (1 + image)):
    """Measurements of two images whose summary is worked out by hand below; the output's norm is half the input's."""
    amounts = [("shift", amount) for amount in SHIFTS] + [("warp", amount) for amount in WARPS]
    return [
        {
            "stage": stage,
            "scale": scale,
            "layers": f"{stage} {scale}",
            "kind": kind,
            "amount": amount,
            "image": image,
            "displacement": amount,
            "bound": BOUNDS[kind](amount),
            "change": change(kind, amount, image),
            "relative": 2 * change(kind, amount, image),
        }
        for scale, stage, (kind, amount), image in itertools.product((1, 2), ("pixels", "one"), amounts, (0, 1))
    ]


def test_summary_by_hand() -> None:
    table = stability.summarize(rows())
    assert list(table["stage"]) == ["pixels", "one", "pixels", "one"]
    assert list(table["scale"]) == [1, 1, 2, 2]
    first, last = table.iloc[0], table.iloc[3]
    assert first["shift 1"] == pytest.approx(30)  # 2 x (0.1 + 0.2) / 2, in percent.
    assert first["shift 4"] == pytest.approx(120)
    assert first["warp 0.5"] == pytest.approx(15)
    # Of the second image, whose change is 0.2 amount: over P F, with P = 1 and F = amount / 2 or 2 amount.
    assert first["k_shift"] == pytest.approx(0.4)
    assert first["k_warp"] == pytest.approx(0.1)
    assert first["k"] == pytest.approx(0.4)
    assert first["k_relative"] == pytest.approx(0.8)
    assert last["k"] == pytest.approx(0.2)  # P = 2.


def test_k_is_the_smallest_that_bounds_every_measurement() -> None:
    measured = rows(lambda kind, amount, image: amount**2 * (1 + image) / 7)
    table = stability.summarize(measured).set_index(["scale", "stage"])["k"]
    margins = [
        table.loc[row["scale"], row["stage"]] * row["scale"] * row["bound"] - row["change"]
        for row in measured
        if row["bound"] > 0
    ]
    assert min(margins) == pytest.approx(0, abs=1e-12)


def test_markdown_has_a_table_for_each_order_and_says_what_its_columns_are() -> None:
    text = stability.write_markdown(rows())
    assert text.count("| stage ") == 2
    assert "J = P = 2: second order, 1/4 of the size" in text
    assert "30.0 %" in text
    assert all(name in text for name in stability.SUMMARY.values())
    assert "equation 1.2.10" in text


def test_the_drawing_has_the_means_and_each_stage_its_own_look() -> None:
    figure = stability.draw_stability(rows())
    assert [panel.title for panel in figure.panels] == [
        *["J = 1, first order"] * 2,
        *["J = 2, second order"] * 2,
    ]
    shifts, warps = figure.panels[:2]
    marks = {mark.label: mark for mark in shifts.marks if isinstance(mark, Line)}
    assert list(marks) == ["pixels", "one"]
    # 2 x (0.1 + 0.2) / 2 for each pixel, in percent; the row's axes share the highest, 120, and a margin.
    assert list(marks["one"].x) == [0, 1, 4]
    assert list(marks["one"].y) == pytest.approx([0, 30, 120])
    assert (shifts.y.high, warps.y.high) == (pytest.approx(126), pytest.approx(126))
    looks = [entry.look for entry in place_legend(figure)]
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == 2


def test_the_figure_is_drawn_by_the_renderer_of_the_report() -> None:
    figure = draw_for_paper(stability.draw_stability(rows()))
    assert b"/Type3" not in figure.pdf
    assert b"/FontFile2" in figure.pdf  # Whole outlines, embedded.
    assert draw_for_paper(stability.draw_stability(rows())) == figure
