"""Every two architectures: the difference, whether it is real, and how many seeds would settle it."""

import pandas as pd

from analysis.evidence import Evidence
from analysis.pairs import pairs
from analysis.tables.columns import Column, between, number, p_value, shown, words
from analysis.tables.table import Table

NOTES = [
    "Differences of the means in points of test accuracy, with Welch's 95 % interval of each pair by itself. "
    "p is Welch's, Holm-corrected over all pairs; g is Hedges' (difference in pooled standard deviations).",
    "seeds: how many each would need for such a difference to be found with a probability of 80 %, if it is as large "
    "as observed; at 5 % divided by the number of pairs. many: more than 10,000.",
]


def compared(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """All pairs of the candidates that have finished reruns."""
    frame = pairs(evidence.samples)
    return frame, NOTES if len(frame) else ["Fewer than two architectures have finished reruns."]


COLUMNS = (
    words("First", "first"),
    words("Second", "second"),
    number("difference", "difference", 2, sign=True),
    between("95 % CI", "low", "high", 2),
    p_value("p (Holm)", "p_holm"),
    number("g", "g", 2, sign=True),
    Column("told apart", lambda row: "yes" if row["differs"] else "no", right=False),
    number("seeds", "seeds"),
)
PAIRS = Table("pairs", "Which differences are real.", (), compared, shown(COLUMNS))
