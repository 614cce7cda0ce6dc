"""Tables in few columns."""

from __future__ import annotations

import pandas as pd

from analysis.render.narrow import drop_columns, measure_width, stack_columns, wrap_text

TABLE = pd.DataFrame(
    {"name": ["conv", "invariant"], "first": ["1", "2"], "engine": ["native", "native"], "z": ["", ""]}
)


def write(table: pd.DataFrame) -> str:
    return table.to_string(index=False)


def test_its_width_is_that_of_pandas() -> None:
    assert measure_width(TABLE) == max(map(len, write(TABLE).splitlines()))


def test_columns_are_left_out_until_the_others_fit() -> None:
    assert drop_columns(TABLE, None, ["engine"])[1] == []
    assert drop_columns(TABLE, 80, ["engine"])[1] == []
    table, dropped = drop_columns(TABLE, 16, ["none", "engine", "z"])
    assert (list(table), dropped) == (["name", "first"], ["engine", "z"])


def test_further_columns_stand_below() -> None:
    assert len(stack_columns(TABLE, None, write)) == 1
    parts = stack_columns(TABLE, 18, write)
    assert [part.splitlines()[0].split() for part in parts] == [["name", "first"], ["name", "engine", "z"]]
    assert all(len(line) <= 18 for part in parts for line in part.splitlines())
    assert all("invariant" in part for part in parts)


def test_sentences_are_wrapped_and_what_cannot_be_broken_stays_whole() -> None:
    assert wrap_text("- one two three four five six", None, "  ") == "- one two three four five six"
    assert wrap_text("- one two three four five six", 20, "  ") == "- one two three four\n  five six"
    assert wrap_text(f"- see {'x' * 30}", 20, "  ") == f"- see\n  {'x' * 30}"
