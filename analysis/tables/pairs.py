"""Every two architectures: the difference, whether it is real, and how many seeds would settle it."""

import pandas as pd

from analysis.evidence import Evidence
from analysis.pairs import pairs
from analysis.tables.columns import Column, between, number, p_value, shown, tested, words
from analysis.tables.table import Table

NOTES = [
    "Differences of the means in points of test accuracy, with Welch's 95 % interval of each pair by itself. "
    "p is Welch's, Holm-corrected over all pairs; g is Hedges' (difference in pooled standard deviations).",
    "seeds each: how many each would need for such a difference to be found with a probability of 80 %, if it is as "
    "large as observed; at 5 % divided by the number of pairs. many: more than 10,000.",
    "-: not tested, for want of a second seed or of any spread.",
]
APART = "Pairs on different data are left out: their accuracies do not compare networks."


def compared(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """All pairs of the candidates that have finished reruns on the same data."""
    frames = [pairs(samples).assign(data=data) for data, samples in evidence.by_data.items()]
    frame = pd.concat([found for found in frames if len(found)] or [pairs({}).assign(data="")], ignore_index=True)
    if not len(frame):
        return frame, ["Fewer than two architectures have finished reruns on the same data.", *evidence.lost]
    return frame, [*NOTES, *([APART] if len(frames) > 1 else []), *evidence.lost]


COLUMNS = (
    words("First", "first"),
    words("Second", "second"),
    words("data", "data"),
    number("difference", "difference", 2, sign=True),
    between("95 % CI", "low", "high", 2),
    p_value("p (Holm)", "p_holm"),
    number("g", "g", 2, sign=True),
    Column("told apart", lambda row: tested(row["p_holm"], row["differs"]), right=False),
    number("seeds each", "seeds"),
)
PAIRS = Table("pairs", "Which differences are real.", (), compared, shown(COLUMNS))
