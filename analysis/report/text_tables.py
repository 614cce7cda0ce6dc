"""Tables of the report as text, from every run or from all of them: one function each, listed in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from analysis.cells import RIGHT, display
from analysis.evidence import Evidence, names_of
from analysis.formats import FORMATS
from analysis.records import Run
from analysis.report.files import slug
from analysis.tables import TABLES, Filled

ENDINGS = {"md": "md", "latex": "tex", "csv": "csv"}  # Of the files in each format.
BESIDE_PUBLISHED = ("1.3", "1.4")


class TextTable(Protocol):
    """A table whose cells are text."""

    @property
    def number(self) -> str:
        """Its number in the text, or a name."""
        ...

    @property
    def title(self) -> str:
        """One sentence above it."""
        ...

    @property
    def cells(self) -> pd.DataFrame:
        """The text of every cell."""
        ...

    @property
    def right(self) -> frozenset[str]:
        """Names of the columns of numbers."""
        ...

    @property
    def notes(self) -> list[str]:
        """Sentences below it."""
        ...


@dataclass(frozen=True, eq=False)
class Shown:
    """A table of the report.

    Attributes:
        name: of its files.
        table: what the page shows.
        files: ending -> what its file holds.
    """

    name: str
    table: TextTable
    files: dict[str, str]


@dataclass(frozen=True, eq=False)
class AsText:
    """An accuracy table as a ``TextTable``."""

    number: str
    title: str
    cells: pd.DataFrame
    right: frozenset[str]
    notes: list[str]


Source = Callable[[Evidence], Sequence[Shown] | str]  # A line that says why, where there is nothing to show.


def shown(name: str, filled: Filled, of: str = "") -> Shown:
    """A filled table with its files.

    Args:
        name: of its files.
        filled: the table.
        of: the run it is of, where there are several.
    """
    title = f"{filled.title} Run {of}." if of else filled.title
    text = AsText(filled.number, title, display(filled.frame), RIGHT, filled.notes)
    return Shown(name, text, {ending: FORMATS[form](filled) for form, ending in ENDINGS.items()})


def beside_published(evidence: Evidence) -> Sequence[Shown] | str:
    """For each run the largest table of the text whose architectures it has, else all that it has."""
    found = []
    for run, of in _named(evidence):
        fitting = [number for number in BESIDE_PUBLISHED if set(TABLES[number].architectures) <= _architectures(run)]
        found.append(_of_run(run, of, fitting[-1] if fitting else "summary"))
    return found


def _each_run(number: str) -> Source:
    return lambda evidence: [_of_run(run, of, number) for run, of in _named(evidence)]


SOURCES: dict[str, Source] = {
    "published": beside_published,
    **{number: _each_run(number) for number in TABLES},
}


def _named(evidence: Evidence) -> list[tuple[Run, str]]:
    names = names_of(evidence.runs) if len(evidence.runs) > 1 else [""]
    return list(zip(evidence.runs, names, strict=True))


def _architectures(run: Run) -> set[str]:
    return set(run.spec["architectures"])


def _of_run(run: Run, of: str, number: str) -> Shown:
    name = f"table-{number}" if number[0].isdigit() else number
    return shown(f"{name}-{slug(of)}" if of else name, TABLES[number].build(run), of)
