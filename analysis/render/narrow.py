"""Tables of text in the columns that a terminal has: columns are left out, or stand in further tables below."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

import pandas as pd

GAP = 1  # Blanks between the columns of pandas.
LEAST = 20  # Columns that a sentence gets.


def drop_columns(table: pd.DataFrame, width: int | None, last: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Leaves columns out, those of ``last`` in their order, until the others fit; also returns which were left out."""
    dropped: list[str] = []
    for name in last:
        if width is None or measure_width(table) <= width:
            break
        if name in table:
            table = table.drop(columns=name)
            dropped.append(name)
    return table, dropped


def measure_width(table: pd.DataFrame) -> int:
    """Columns that a table of text takes, as pandas prints it."""
    return sum(max([len(str(name)), *map(len, table[name])]) + GAP for name in table) - GAP


def stack_columns(
    table: pd.DataFrame, width: int | None, write: Callable[[pd.DataFrame], str], keys: int = 1
) -> list[str]:
    """A table as texts that fit, each with its first columns; one text where there is room, or no limit.

    Args:
        table: of text.
        width: columns of the terminal; None is no limit.
        write: makes text of some of its columns.
        keys: how many columns all of them begin with.
    """
    first, rest = list(table)[:keys], list(table)[keys:]
    texts: list[str] = []
    while rest:
        count = len(rest)
        text = write(table[first + rest])
        while count > 1 and width is not None and max(map(len, text.splitlines())) > width:
            count -= 1
            text = write(table[first + rest[:count]])
        texts.append(text)
        rest = rest[count:]
    return texts


def wrap_text(text: str, width: int | None, indent: str = "") -> str:
    """A sentence in lines that fit, those after the first indented; as it is where there is no limit."""
    if width is None:
        return text
    return textwrap.fill(
        text, max(LEAST, width), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
