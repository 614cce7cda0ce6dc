"""Who is ahead, and who cannot be told apart."""

import pandas as pd

from analysis.evidence import Evidence
from analysis.pairs import pairs
from analysis.ranking import ranking
from analysis.tables.columns import between, number, shown, words
from analysis.tables.table import Table

NOTES = [
    "Test accuracy in percent over the finished reruns; std with ddof = 1, Student-t interval of the mean.",
    "Who shares a letter cannot be told apart: Welch's test of the pair, Holm-corrected over all pairs, at 5 %.",
]


def ranked(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """The candidates by mean test accuracy."""
    samples = evidence.samples
    frame = ranking(samples, pairs(samples))
    single = list(frame.loc[frame["n"] == 1, "group"])
    alone = [f"One finished seed, so no interval and no letter: {', '.join(single)}."] if single else []
    return frame, (NOTES + alone) if len(frame) else ["No rerun has finished yet; invsearch rerun trains them."]


COLUMNS = (
    words("Architecture", "group"),
    number("mean", "mean", 2),
    number("std", "std", 2),
    number("n", "n"),
    between("95 % CI", "low", "high", 2),
    number("best", "best", 2),
    number("worst", "worst", 2),
    words("groups", "letters"),
)
RANKING = Table("ranking", "Ranking by test accuracy, with groups.", (), ranked, shown(COLUMNS))
