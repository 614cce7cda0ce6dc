"""Table 1.7: the hybrid ScatterNets beside the networks of others."""

from __future__ import annotations

import math

import pandas as pd

from analysis.evidence import Evidence
from analysis.published.deep import DATASETS, HYBRIDS, OTHERS, SEEDS, Swap
from analysis.records.schema import make_records
from analysis.tables.columns import round_off
from analysis.tables.deep_notes import write_notes
from analysis.tables.groups import (
    Entry,
    add_titles,
    choose_groups,
    find_field,
    format_cell,
    format_heading,
    list_columns,
    list_entries,
    list_widths,
    numbers,
    stands_beside,
)
from analysis.tables.table import Table

MILLION = 1e6
WIDTH = 96
LARGER = ("tiny-imagenet",)  # Its images are 64x64.
COUNTS = (
    "#Mparam and #Mmults: millions of learned weights, and of multiplies per 32x32 image with the wavelet transform; "
    "counted on the networks that ran"
)
NOTES = [
    f"{COUNTS}, the published number in brackets; docs/costs.md explains the differences.",
    "*: estimated by the chapter from the architecture's description. Networks of others: as their "
    "authors report them.",
]


def build_hybrids(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Rows are networks; costs, then one column for each data set."""
    found = list_entries(evidence, HYBRIDS)
    rows = []
    for name, known in [*HYBRIDS.items(), *((other.title, other) for other in OTHERS)]:
        for width in list_widths(found, name):
            values: dict[str, object] = {"title": add_titles(known.title, width), "layers": known.layers}
            for what, ours in zip(("params", "mults"), _format_cost(found, name, width), strict=True):
                values |= {f"{what}_millions": ours, f"{what}_published": getattr(known, what)}
                values[f"{what}_estimated"] = what in known.estimated
            for column in list_columns(found):
                field = find_field(column)
                values |= numbers(choose_groups(found, Swap(name, "A", width), column), field)
                values[f"{field}_published"] = dict(zip(DATASETS, known.accuracies, strict=False)).get(column, math.nan)
            if width is not None or not stands_beside(found):
                values |= {key: math.nan for key in values if key.endswith("_published")}
            rows.append(values)
    return pd.DataFrame(rows), [
        *write_notes(evidence, found, WIDTH, None),
        *(NOTES if stands_beside(found) else [f"{COUNTS}."]),
    ]


def display(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    """The text's columns, and one more for each data set of one's own."""
    fields = [str(name).removesuffix("_mean") for name in frame if str(name).endswith("_mean")]
    rows = make_records(frame)
    cells = {"Arch. Name": [row["title"] for row in rows], "N_l": [str(row["layers"]) for row in rows]}
    for what, digits in (("params", 1), ("mults", 0)):
        cells[f"#M{what[:-1]}" if what == "params" else "#Mmults"] = [
            _format_counted(row[f"{what}_millions"], row[f"{what}_published"], row[f"{what}_estimated"], digits)
            for row in rows
        ]
    cells |= {format_heading(field): [format_cell(row, field) for row in rows] for field in fields}
    return pd.DataFrame(cells, dtype="str"), frozenset(cells) - {"Arch. Name"}


def _format_counted(ours: float, known: float, estimated: bool, digits: int) -> str:
    published = "" if math.isnan(known) else f"({known:g}{'*' * estimated})"
    # The text's decimals, but two digits at least: a narrow network has few parameters.
    counted = round_off(ours, digits) if ours >= 1.0 else f"{ours:.2g}"
    return f"{'' if math.isnan(ours) else counted} {published}".strip()


def _format_cost(found: list[Entry], name: str, width: int | None) -> tuple[float, float]:
    """Millions of learned weights and of multiplies with the transform, of the network's last run; else NaN."""
    for entry in reversed(found):
        layers = entry.candidate.run.costs.get(entry.candidate.architecture)
        if (entry.swap.row, entry.swap.width) == (name, width) and layers and entry.column not in LARGER:
            mults = sum(layer["mults"] + layer["transform_mults"] for layer in layers)
            return sum(layer["params"] for layer in layers) / MILLION, mults / MILLION
    return math.nan, math.nan


TABLE_1_7 = Table(
    "1.7",
    "Hybrid ScatterNet top-1 classification accuracies on CIFAR-10 and CIFAR-100.",
    tuple(HYBRIDS),
    build_hybrids,
    display,
    searched=False,
    seeds=SEEDS,
)
