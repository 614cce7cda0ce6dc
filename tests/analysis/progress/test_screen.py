"""What is drawn, and what a narrow terminal loses."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from analysis.progress.screen import Going, Row, Screen, describe_theta, draw_bars

THETA = "{0.0316, 0.9, 3.16e-5, 1.5}"


def draw(screen: Screen, width: int, height: int = 40) -> list[str]:
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(screen)
    return console.export_text().splitlines()


def rows(count: int, busy: int = 0) -> list[Row]:
    counts = {"running": 1, "waiting": 12, "diverged": 3, "failed": 1, "stopped": 140, "completed": 16}
    going = [Going(THETA, 7, 20, 0.95)]
    return [
        Row(f"invB+invC-B-w{n}", 256, 200, counts, "95.06 %", [0.5, 0.9], "sweep", 1234.0, 12.0, going * (n < busy))
        for n in range(count)
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_it_fits(width: int) -> None:
    lines = draw(Screen("sweep", "0:01:00 elapsed, about 0:10:00 left", 512, 1234, rows(3, busy=1)), width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for word in ("invB+invC-B-w2", "200/256", "95.06 %"):
        assert word in text
    assert ("epoch 7 of 20, 95.00 %: {" in text) == (width >= 40)
    if width >= 80:
        assert "\u2026" not in text  # Nothing is cut off.
        assert "waiting" in text


def test_wide_terminals_show_all() -> None:
    (head,) = (line for line in draw(Screen("sweep", "", 1, 1, rows(1)), 160) if line.startswith("architecture"))
    counts = "running  waiting  diverged  failed  stopped  completed"
    assert " ".join(head.split()) == " ".join(f"architecture trials {counts} best so far epochs left s/epoch".split())


def test_what_is_zero_everywhere_has_no_column() -> None:
    (head,) = (
        line
        for line in draw(Screen("", "", 1, 0, [Row("conv", 1, 1, {"failed": 0}, "-")]), 80)
        if line.startswith("architecture")
    )
    assert head.split() == ["architecture", "trials", "best"]


def test_a_low_terminal_shows_those_that_run() -> None:
    text = "\n".join(draw(Screen("sweep", "", 1, 1, rows(43, busy=2), crops=True), 80, height=20))
    assert len(text.splitlines()) < 20
    assert "invB+invC-B-w0 " in text
    assert "invB+invC-B-w1 " in text
    assert "more" in text


def test_plain_characters_where_the_terminal_has_no_others() -> None:
    assert draw_bars([0.0, 1.0], 4, plain=True) == "_#"
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(width=80, file=file).print(Screen("sweep", "", 1, 1, rows(1)))
    file.flush()


def test_a_long_course_is_drawn_by_some_of_its_values() -> None:
    assert draw_bars([n / 100 for n in range(101)], 3) == "▁▅█"
    assert draw_bars([0.5, 0.5], 3) == "▁▁"
    assert draw_bars([], 3) == ""


def test_theta() -> None:
    theta = {"lr": 0.1, "momentum": 0.5, "weight_decay": 1e-5, "gain": float("nan"), "width": 64}
    assert describe_theta(theta) == "{0.1, 0.5, 1e-5, -}, width=64"
