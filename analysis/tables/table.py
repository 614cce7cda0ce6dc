"""What every table is: how it is made, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd

from analysis.evidence import Evidence, gather
from analysis.records.reader import Run

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
