"""What every table is: raw values and the sentences below them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class Table:
    """A table before it is formatted.

    Attributes:
        number: its number in the text.
        caption: one sentence above it.
        frame: the raw, unrounded values, one row per architecture; ``analysis.cells`` makes text of them.
        notes: plain sentences below it.
    """

    number: str
    caption: str
    frame: pd.DataFrame
    notes: list[str]
