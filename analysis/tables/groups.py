"""What Tables 1.6 and 1.7 share: a group of columns for each data set, ours with the published number beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from analysis.evidence import Candidate, Evidence, find_data
from analysis.published.deep import DATASETS, Swap, find_swap
from analysis.render.cells import format_finished
from analysis.stats.samples import Summary, summarize
from analysis.tables.columns import round_off


class Entry(NamedTuple):
    """One network of the evidence in these tables.

    Attributes:
        candidate: the network.
        swap: its row and its mixing.
        column: its data set: the name, and the beginning of the hash where runs have several of that name.
        run: the short name of its run.
    """

    candidate: Candidate
    swap: Swap
    column: str
    run: str


def list_entries(evidence: Evidence, rows: Iterable[str]) -> list[Entry]:
    """The networks that have a place in a table with those rows, in the order of the runs."""
    names = dict(zip(map(id, evidence.runs), evidence.names, strict=True))
    kept = set(rows)
    found = [(one, swap) for one in evidence.candidates if (swap := find_swap(one.architecture)) and swap.row in kept]
    columns = _map_columns([one for one, _ in found])
    return [Entry(one, swap, columns[find_data(one.run)], names[id(one.run)]) for one, swap in found]


def _map_columns(found: list[Candidate]) -> dict[tuple[str, str], str]:
    """(data set, hash) -> the column: networks are compared only on the same data."""
    seen = dict.fromkeys(find_data(one.run) for one in found)
    alike = [name for name, _ in seen]
    return {(name, code): name if alike.count(name) == 1 else f"{name} {code[:6]}" for name, code in seen}


def stands_beside(found: list[Entry]) -> bool:
    """Whether the published numbers stand in the table: not where everything was trained on data of another kind."""
    return not found or any(entry.candidate.run.spec["dataset"] in DATASETS for entry in found)


def list_columns(found: list[Entry]) -> list[str]:
    """The data sets of the chapter, where it has a say, then whatever else was trained on, by its own name."""
    return list(dict.fromkeys([*(DATASETS if stands_beside(found) else ()), *(entry.column for entry in found)]))


def list_widths(found: list[Entry], row: str) -> list[int | None]:
    """The text's width, then every other one at which a row was trained, wide to narrow.

    Where the chapter has no say, only those that were trained.
    """
    trained = {entry.swap.width for entry in found if entry.swap.row == row}
    others = sorted((width for width in trained if width is not None), reverse=True)
    return [None, *others] if None in trained or stands_beside(found) else [*others]


def add_titles(title: str, width: int | None) -> str:
    """A row's title; a network of another width is another row, with no published number."""
    return title if width is None else f"{title}, C = {width}"


def choose_groups(found: list[Entry], swap: Swap, column: str) -> Entry | None:
    """The network of a cell: of the last run that has any finished rerun of it, else of the last that lost some."""
    ours = [entry for entry in found if (entry.swap, entry.column) == (swap, column)]
    finished = [entry for entry in ours if entry.candidate.accuracies.size]
    lost = [entry for entry in ours if entry.candidate.reruns.lost]
    return next(reversed(finished or lost), None)


def numbers(entry: Entry | None, field: str) -> dict[str, Any]:
    """The raw values of a cell, but for the published one."""
    summary: Summary = summarize([] if entry is None else entry.candidate.accuracies)
    values = {f"{field}_mean": summary.mean, f"{field}_std": summary.std, f"{field}_n": summary.n}
    return values | {
        f"{field}_asked": 0 if entry is None else entry.candidate.reruns.asked,
        f"{field}_epochs": math.nan if entry is None else entry.candidate.run.spec["rerun_epochs"],
        f"{field}_run": "" if entry is None else entry.run,
    }


def format_cell(row: dict[str, Any], field: str) -> str:
    """Ours, with how many seeds finished where not all did, and the published number in brackets; blank without any."""
    known, finished, asked = row[f"{field}_published"], row[f"{field}_n"], row[f"{field}_asked"]
    ours = round_off(row[f"{field}_mean"], 1) if asked else ""
    some = f" [{format_finished(finished, asked)}]" if finished < asked else ""
    published = "" if math.isnan(known) else f"({known:.1f}{'?' if row.get(f'{field}_suspicious') else ''})"
    return f"{ours}{some} {published}".strip()


def find_field(column: str, mixing: str = "") -> str:
    """The beginning of the names of a cell's raw values."""
    return "_".join(
        part for part in (column.replace("-", "_") if column in DATASETS else column, mixing.lower()) if part
    )


def format_heading(field: str) -> str:
    """What people read above the columns of a data set."""
    return {find_field(name): title for name, title in DATASETS.items()}.get(field, field)
