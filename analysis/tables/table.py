"""What every table is: how it is made, what comes out, and its columns, which make text of a row's values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import pandas as pd

from analysis.evidence import Evidence, gather
from analysis.records.reader import Run
from analysis.records.schema import holds_words, list_hyperparameters, make_records
from analysis.render.cells import format_cell
from spaces.hyperparameters import NAMES

Display: TypeAlias = "Callable[[pd.DataFrame], tuple[pd.DataFrame, frozenset[str]]]"
"""Raw values -> the text of the cells, and the headings of those columns that are aligned to the right."""


@dataclass(frozen=True, eq=False)
class Filled:
    """A table filled from runs, before it is formatted.

    Attributes:
        number: its number in the chapter, or a name.
        title: one sentence above it.
        frame: the raw, unrounded values.
        cells: the same rows as text, with the headings that people read.
        right: the headings of columns of numbers, which are aligned to the right.
        notes: plain sentences below it.
    """

    number: str
    title: str
    frame: pd.DataFrame
    cells: pd.DataFrame
    right: frozenset[str]
    notes: list[str]

    def __str__(self) -> str:
        from analysis.render.formats import write_markdown  # Which imports this.

        return write_markdown(self)

    _repr_markdown_ = __str__  # In a notebook.


@dataclass(frozen=True)
class Table:
    """A table of the chapter, or one of our own.

    Attributes:
        number: its number in the chapter, or a name.
        title: what the chapter calls it, one sentence.
        architectures: the networks that it compares, in the chapter's order; none if it takes runs as they are.
        rows: the evidence -> its raw values and the notes below them.
        display: makes text of the raw values.
        searched: whether its experiment searches hyperparameters before the reruns, or takes those of the recipe.
        seeds: the published number of reruns.
    """

    number: str
    title: str
    architectures: tuple[str, ...]
    rows: Callable[[Evidence], tuple[pd.DataFrame, list[str]]]
    display: Display
    searched: bool = True
    seeds: int = 10

    def build(self, *runs: Run) -> Filled:
        """Fills the table from one run or several; cells are blank where they have nothing.

        Raises:
            UserError: no run, or one twice.
        """
        return self.fill(gather(runs))

    def fill(self, evidence: Evidence) -> Filled:
        """Fills the table."""
        frame, notes = self.rows(evidence)
        return Filled(self.number, self.title, frame, *self.display(frame), notes)


class Column(NamedTuple):
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
        cells = {column.heading: [column.text(row) for row in rows] for column in columns}
        return pd.DataFrame(cells, dtype="str"), frozenset(column.heading for column in columns if column.right)

    return make_cells


def show_words(heading: str, field: str) -> Column:
    """A column of text as it is."""
    return Column(heading, lambda row: str(row[field]), right=False)


def show_number(heading: str, field: str, digits: int = 0, sign: bool = False) -> Column:
    """A column of rounded numbers; ``-`` where there is none."""
    return Column(heading, lambda row: round_off(row[field], digits, sign))


def show_range(heading: str, low: str, high: str, digits: int, factor: float = 1.0) -> Column:
    """A column of intervals, such as ``96.3 to 96.6``; ``-`` where there is none."""

    def text(row: dict[str, Any]) -> str:
        ends = [factor * row[low], factor * row[high]]
        return "-" if any(map(math.isnan, ends)) else " to ".join(round_off(end, digits) for end in ends)

    return Column(heading, text)


def show_percent(heading: str, field: str, digits: int = 1) -> Column:
    """A column of fractions shown in percent."""
    return Column(heading, lambda row: round_off(100.0 * row[field], digits))


def show_p(heading: str, field: str) -> Column:
    """A column of p-values: two significant digits, ``< 0.001`` below that."""
    return Column(heading, lambda row: format_probability(row[field]))


def format_probability(p: float) -> str:
    """A p-value as text."""
    return "-" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def format_seeds(row: dict[str, Any], side: str = "") -> str:
    """How many seeds finished of those asked for, such as ``7 of 10``."""
    return f"{row[side + 'n']} of {row[side + 'asked']}"


def format_epochs(row: dict[str, Any]) -> str:
    """After how many of the last epochs a conclusion holds, such as ``3 of 5``; ``-`` where that is not known."""
    return "-" if math.isnan(row["holds"]) else f"{row['holds']:.0f} of {row['epochs']}"


def show_test(field: str) -> Column:
    """A column of whether something is significant after Holm's correction; ``-`` where it could not be tested."""

    def text(row: dict[str, Any]) -> str:
        return "-" if math.isnan(row["p_holm"]) else "yes" if row[field] else "no"

    return Column(field, text, right=False)


def format_least(value: float, digits: int) -> str:
    """A number above 0 with that many decimals; one that rounds to 0 reads as below the least of them."""
    least = 10.0**-digits
    return f"< {least:g}" if 0.0 < value < least / 2 else round_off(value, digits)


def round_off(value: float, digits: int, sign: bool = False) -> str:
    """A number with that many decimals, never ``-0``."""
    if math.isnan(value):
        return "-"
    near = round(value, digits) + 0.0
    return f"{near:+.{digits}f}" if sign else f"{near:.{digits}f}"


def list_used(frame: pd.DataFrame) -> list[str]:
    """The hyperparameters that trials are shown with: those of Table 1.2, and further ones that any of them has."""
    return [name for name in list_hyperparameters(frame) if name in NAMES or frame[name].notna().any()]


def show_theta(frame: pd.DataFrame, names: Sequence[str]) -> list[Column]:
    """A column for each hyperparameter."""
    return [
        Column(name, lambda row, name=name: format_cell(row[name]), right=not holds_words(frame[name]))
        for name in names
    ]
