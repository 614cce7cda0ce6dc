"""Table 1.6: the VGG-like network with one or two convolutions swapped for invariant layers."""

from __future__ import annotations

import math

import pandas as pd

from analysis.evidence import Evidence
from analysis.published_deep import ABLATION, ALL, MIXINGS, SEEDS, SUSPICIOUS
from analysis.schema import records
from analysis.tables.groups import cell, datasets, entries, field_of, heading, notes_on, sample
from analysis.tables.table import Table

TITLE = "VGG-like architecture with convolutional and invariant layers on several datasets."
ROWS = (*ABLATION, ALL)
SUSPECT = (
    "?: 82.8 of invB+invD with mixing C on CIFAR-10 lies ten points below its neighbours; probably 92.8 was meant."
)


def ablation(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Rows are swaps; for each data set the mixings A (1x1), B (shifted impulse) and C (learned 3x3)."""
    found = entries(evidence)
    rows = []
    for row in ROWS:
        values: dict[str, object] = {"swap": row}
        for dataset in datasets(found):
            for place, mixing in enumerate(MIXINGS):
                field = field_of(dataset, mixing)
                ours = sample(found, row, mixing, dataset)
                known = ABLATION.get(row, {}).get(dataset, (None,) * 3)[place]
                values |= {f"{field}_mean": ours.mean, f"{field}_std": ours.std, f"{field}_n": ours.n}
                values[f"{field}_published"] = math.nan if known is None else known
                values[f"{field}_suspicious"] = (row, dataset, mixing) == SUSPICIOUS
        rows.append(values)
    return pd.DataFrame(rows), [*notes_on(evidence, found), SUSPECT]


def display(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    """One column for each data set and mixing; data sets of one's own come last."""
    fields = [str(name).removesuffix("_mean") for name in frame if str(name).endswith("_mean")]
    rows = records(frame)
    cells = {"": [row["swap"] for row in rows]} | {
        f"{heading(field[:-2])} {field[-1].upper()}": [cell(row, field) for row in rows] for field in fields
    }
    return pd.DataFrame(cells, dtype="str"), frozenset(cells) - {""}


TABLE_1_6 = Table(
    "1.6",
    TITLE,
    tuple(row + suffix for row in ROWS for suffix in (("", "-B", "-C") if row != "ref" else ("",))),
    ablation,
    display,
    searched=False,
    seeds=SEEDS,
)
