"""Was the search fair to each architecture, and was its winner luck?"""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.fairness import Fairness, fairness
from analysis.tables.columns import Column, between, number, percent, shown, words
from analysis.tables.table import Table

NOTES = [
    "selected: validation accuracy in percent by which the incumbent was chosen, on one seed and held-out training "
    "images; reruns: mean test accuracy of the same configuration on fresh seeds, trained on all training images. "
    "Their difference is the winner's curse, as far as the two sets of images are equally hard.",
    "near: configurations trained to the last epoch within one standard deviation of a rerun (std) of the incumbent, "
    "itself included: one seed cannot tell them apart. Table near lists them.",
    "diverged: share of the configurations that ended, with its 95 % Wilson interval.",
]


def judged(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each candidate that was searched."""
    rows = [fairness(one) for one in evidence.candidates if len(one.sweep)]
    frame = pd.DataFrame(rows, columns=list(Fairness._fields))
    if not len(frame):
        return frame, ["Nothing was searched in these runs: their configurations were given."]
    said = [
        f"{row.group}: all configurations as good as the incumbent lie on the edge of the searched range "
        f"({', '.join(row.edges)}); a wider one may hold better."
        for row in rows
        if row.edges
    ]
    return frame.assign(edges=frame["edges"].map("; ".join)), NOTES + said


COLUMNS = (
    words("Architecture", "group"),
    Column("configurations", lambda row: f"{row['ended']} of {row['planned']}"),
    percent("diverged %", "diverged"),
    between("95 % CI", "diverged_low", "diverged_high", 1, 100.0),
    number("selected", "selected", 2),
    number("reruns", "rerun", 2),
    number("curse", "curse", 2, sign=True),
    number("std", "spread", 2),
    number("near", "near"),
    words("on the edge", "edges"),
)
FAIRNESS = Table("search", "Fairness of the search.", (), judged, shown(COLUMNS))
