"""What every table is: how it is made, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from analysis.records import Run


@dataclass(frozen=True, eq=False)
class Filled:
    """A table filled from a run, before it is formatted.

    Attributes:
        number: its number in the text.
        title: one sentence above it.
        frame: the raw, unrounded values, one row per architecture; ``analysis.cells`` makes text of them.
        notes: plain sentences below it.
    """

    number: str
    title: str
    frame: pd.DataFrame
    notes: list[str]


@dataclass(frozen=True)
class Table:
    """A table of the text.

    Attributes:
        number: its number in the text, or a name.
        title: what the text calls it, one sentence.
        architectures: the networks that it compares, in the text's order; none if it takes a run as it is.
        rows: a run -> its raw values and the notes below them.
    """

    number: str
    title: str
    architectures: tuple[str, ...]
    rows: Callable[[Run], tuple[pd.DataFrame, list[str]]]

    def build(self, run: Run) -> Filled:
        """Fills the table from a run; cells are blank where the run has nothing."""
        frame, notes = self.rows(run)
        return Filled(self.number, self.title, frame, notes)
