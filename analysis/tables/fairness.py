"""Was the search fair to each architecture, and was its winner luck?"""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.stats.collapse import find_collapse_levels
from analysis.stats.fairness import Fairness, judge_fairness
from analysis.tables.columns import Column, between, make_display, number, percent, round_off, words
from analysis.tables.table import Table

NOTES = [
    "selected: validation accuracy in percent by which the incumbent was chosen, on one seed and held-out training "
    "images; reruns: mean test accuracy of the same configuration on fresh seeds, trained on all training images. "
    "gap: selected minus reruns. It holds the luck of the best of many on one seed, but also other images and fewer to "
    "train on, so it does not measure that luck.",
    "near: configurations trained to the last epoch within 1.41 std of the incumbent, itself included, which is the "
    "standard error of a difference of two single seeds. Table near lists them.",
    "diverged, collapsed: shares of the configurations that ended. Collapsed: ended without diverging, and below half "
    "of the best validation accuracy that the run had at the same epoch (where guessing reaches that, halfway from it "
    "to the best){levels}. either: the two together, with the 95 % Wilson interval.",
]


def count_judged(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each candidate that was searched."""
    rows = [judge_fairness(one) for one in evidence.candidates if len(one.sweep)]
    frame = pd.DataFrame(rows, columns=list(Fairness._fields))
    if not len(frame):
        return frame, [evidence.unsearched]
    said = [
        f"{row.group}: all configurations as good as the incumbent lie on the edge of the searched range "
        f"({', '.join(row.edges)}); a wider range may contain better ones."
        for row in rows
        if row.edges
    ]
    notes = [note.format(levels=_list_levels(evidence)) for note in NOTES]
    return frame.assign(edges=frame["edges"].map("; ".join)), notes + said


def _list_levels(evidence: Evidence) -> str:
    """The collapse levels at the epochs at which trials ended, as the end of a sentence."""
    found = [
        f"{' to '.join(dict.fromkeys(round_off(100 * end, 1) for end in (ends.min(), ends.max())))} %"
        for run in evidence.runs
        if len(
            ends := find_collapse_levels(run).reindex(run.trials.query("phase == 'sweep'")["epoch"].unique()).dropna()
        )
    ]
    return f" ({'; '.join(found)})" if found else ""


COLUMNS = (
    words("Architecture", "group"),
    Column("configurations", lambda row: f"{row['ended']} of {row['planned']}"),
    percent("diverged %", "diverged"),
    percent("collapsed %", "collapsed"),
    percent("either %", "broken"),
    between("95 % CI", "broken_low", "broken_high", 1, 100.0),
    number("selected", "selected", 2),
    number("reruns", "rerun", 2),
    number("gap", "gap", 2, sign=True),
    number("std", "spread", 2),
    number("near", "near"),
    words("on the edge", "edges"),
)
FAIRNESS = Table("search", "Fairness of the search.", (), count_judged, make_display(COLUMNS))
