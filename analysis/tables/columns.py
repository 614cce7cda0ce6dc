"""Columns of a table: a heading and how a row's values become its text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.records.schema import make_records
from analysis.tables.table import Display


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        heading: above it.
        text: a row's raw values -> its cell.
        right: whether it is aligned to the right, as numbers are.
    """

    heading: str
    text: Callable[[dict[str, Any]], str]
    right: bool = True


def make_display(columns: Sequence[Column]) -> Display:
    """The display of a table that has these columns."""

    def make_cells(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
        rows = make_records(frame)
        cells = pd.DataFrame(
            {column.heading: pd.Series([column.text(row) for row in rows], dtype="str") for column in columns}
        )
        return cells, frozenset(column.heading for column in columns if column.right)

    return make_cells


def words(heading: str, field: str) -> Column:
    """A column of text as it is."""
    return Column(heading, lambda row: str(row[field]), right=False)


def number(heading: str, field: str, digits: int = 0, sign: bool = False) -> Column:
    """A column of rounded numbers; ``-`` where there is none."""
    return Column(heading, lambda row: round_off(row[field], digits, sign))


def between(heading: str, low: str, high: str, digits: int, factor: float = 1.0) -> Column:
    """A column of intervals, such as ``96.3 to 96.6``; ``-`` where there is none."""

    def text(row: dict[str, Any]) -> str:
        ends = [factor * row[low], factor * row[high]]
        return "-" if any(map(math.isnan, ends)) else " to ".join(round_off(end, digits) for end in ends)

    return Column(heading, text)


def percent(heading: str, field: str, digits: int = 1) -> Column:
    """A column of fractions shown in percent."""
    return Column(heading, lambda row: round_off(100.0 * row[field], digits))


def p_value(heading: str, field: str) -> Column:
    """A column of p-values: two significant digits, ``< 0.001`` below that."""
    return Column(heading, lambda row: format_probability(row[field]))


def format_probability(p: float) -> str:
    """A p-value as text."""
    return "-" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def seeds(row: dict[str, Any], side: str = "") -> str:
    """How many seeds finished of those asked for, such as ``7 of 10``."""
    return f"{row[side + 'n']} of {row[side + 'asked']}"


def format_tested(p: float, differs: bool) -> str:
    """Whether a pair differs significantly; ``-`` where it could not be tested."""
    return "-" if math.isnan(p) else "yes" if differs else "no"


def round_off(value: float, digits: int, sign: bool = False) -> str:
    """A number with that many decimals, never ``-0``."""
    if math.isnan(value):
        return "-"
    near = round(value, digits) + 0.0
    return f"{near:+.{digits}f}" if sign else f"{near:.{digits}f}"
