"""The tables of the report, each with the text of its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.evidence import Evidence
from analysis.published.deep import find_swap
from analysis.render.formats import FORMATS
from analysis.replicates.experiment import find_experiment
from analysis.tables import TABLES, Filled, Table

ENDINGS = {"md": "md", "latex": "tex", "csv": "csv"}  # Of the files in each format.
TEXT = ("1.3", "1.4")
DEEP = ("1.6", "1.7")
REPLICATED = ("replicates", "replicate-sources", "replicate-pairs", "replicate-choices")


@dataclass(frozen=True, eq=False)
class Shown:
    """A table of the report."""

    name: str  # Of its files.
    table: Filled  # What the page shows.
    files: dict[str, str]  # Ending -> what its file holds.


Source = Callable[[Evidence], Shown | None]
"""Gives None where the table has no row for anything that the runs trained."""


def show_table(filled: Filled) -> Shown:
    """A filled table with its files."""
    name = f"table-{filled.number}" if filled.number[0].isdigit() else filled.number
    return Shown(name, filled, {ending: FORMATS[form](filled) for form, ending in ENDINGS.items()})


def _choose_beside(evidence: Evidence) -> Table:
    """The table of the chapter with rows for most networks, if every run has those of Table 1.3; else the summary."""
    trained = [{*run.spec["architectures"]} for run in evidence.runs]
    if not {*TABLES[TEXT[0]].architectures} <= set.intersection(*trained):
        return TABLES["summary"]
    return max((TABLES[number] for number in TEXT), key=lambda table: len(set.union(*trained) & {*table.architectures}))


def show_beside(evidence: Evidence) -> Shown:
    """The table that stands beside the published numbers."""
    return show_table(_choose_beside(evidence).fill(evidence))


def add_summary(evidence: Evidence) -> Shown | None:
    """The summary, where a table of the chapter stands beside the published numbers and has no row for some network."""
    rows = _choose_beside(evidence).architectures  # None of the summary.
    lacks = rows and any({*run.spec["architectures"]} - {*rows} for run in evidence.runs)
    return show_table(TABLES["summary"].fill(evidence)) if lacks else None


def _show_if(number: str, applies: Callable[[Evidence], object]) -> Source:
    """A table's source that has one only where it applies."""
    return lambda evidence: show_table(TABLES[number].fill(evidence)) if applies(evidence) else None


def _has_rows(number: str) -> Callable[[Evidence], object]:
    """Whether a table has any: one of deep networks has rows only for the swaps that it names."""
    rows = {swap.row for name in TABLES[number].architectures if (swap := find_swap(name)) is not None}
    return lambda evidence: (
        number not in DEEP
        or any((swap := find_swap(one.architecture)) and swap.row in rows for one in evidence.candidates)
    )


def _asks_for(field: str) -> Callable[[Evidence], object]:
    """Whether a run asks for something."""
    return lambda evidence: any(run.spec.get(field) for run in evidence.runs)


SOURCES: dict[str, Source] = {
    "beside": show_beside,
    "rest": add_summary,
    **{number: _show_if(number, _has_rows(number)) for number in TABLES},
    "choice": _show_if("choice", _asks_for("finalists")),
    **{number: _show_if(number, lambda evidence: find_experiment(evidence).runs) for number in REPLICATED},
    **{number: _show_if(number, _asks_for("samples")) for number in ("luck", "luck-pairs")},
}
