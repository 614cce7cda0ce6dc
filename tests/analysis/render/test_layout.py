"""How long names are broken into lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.figure import Axis, Line, Panel
from analysis.published.mnist import PUBLISHED
from analysis.render.layout import LONGEST, break_name, choose_step, choose_ticks, count_lines, find_limits

NAME = "My_Depthwise_Separable_Convolution@B+C-1f2e3d4c"


@pytest.mark.parametrize(
    ("name", "wide", "lines"),
    [
        ("MyConv@B+C-1f2e3d4c", 32, ["MyConv@B+C-1f2e3d4c"]),
        (NAME, 20, ["My_Depthwise_", "Separable_", "Convolution@B+C-", "1f2e3d4c"]),
        ("first run: Learned 3 DCT", 12, ["first run:", "Learned 3", "DCT"]),
        ("a" * 10, 4, ["aaaa", "aaaa", "aa"]),
    ],
)
def test_names_break_after_marks(name, wide, lines) -> None:
    assert break_name(name, wide).split("\n") == lines


@given(st.text(st.sampled_from("aB_-@+ :./x"), max_size=90), st.integers(5, 40))
def test_no_line_is_too_long_and_no_letter_is_lost(name, wide) -> None:
    broken = break_name(name, wide)
    assert max(map(len, broken.split("\n"))) <= wide
    assert "".join(broken.split()) == "".join(name.split())


def test_the_names_of_the_chapter_stay_in_one_line() -> None:
    assert all(break_name(row.title) == row.title for row in PUBLISHED.values())


def test_a_vertical_axis_has_room_for_every_line() -> None:
    panel = Panel("", Axis("x"), Axis("", categories=("conv", NAME)), [])
    assert len(NAME) > LONGEST
    assert choose_ticks(panel, "y") == [(0, "conv"), (1, "My_Depthwise_Separable_\nConvolution@B+C-1f2e3d4c")]
    assert count_lines(panel) == 3


@pytest.mark.parametrize(("last", "step"), [(2, 1), (9, 1), (10, 2), (20, 5), (100, 20), (1000, 200)])
def test_whole_numbers_have_ticks_at_whole_steps(last: int, step: int) -> None:
    """At most nine of them."""
    panel = Panel("", Axis("epoch", whole=True), Axis(""), [Line(list(range(1, last + 1)), [0.0] * last, "")])
    assert choose_step(panel, "x") == step


def test_an_axis_begins_at_its_focus() -> None:
    assert find_limits(Axis("", low=0, high=100, focus=94)) == (94, 100)
