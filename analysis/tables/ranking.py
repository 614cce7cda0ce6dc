"""Who is ahead, and who cannot be told apart."""

import pandas as pd

from analysis.evidence import Evidence
from analysis.pairs import pairs
from analysis.ranking import ranking
from analysis.tables.columns import between, number, shown, words
from analysis.tables.table import Table

NOTES = [
    "Test accuracy in percent over the finished reruns; std with ddof = 1, Student-t interval of the mean.",
    "Who shares a letter was not told apart: Welch's test of the pair, Holm-corrected over all pairs, at 5 %.",
]
APART = "Accuracies on different data do not compare networks: each data set is ranked by itself."


def ranked(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """The candidates by mean test accuracy, each data set by itself."""
    frames = [ranking(samples, pairs(samples)).assign(data=data) for data, samples in evidence.by_data.items()]
    if not frames:
        return ranking({}, pairs({})).assign(data=""), [
            "No rerun has finished yet; invsearch rerun trains them.",
            *evidence.lost,
        ]
    frame = pd.concat(frames, ignore_index=True)
    single = list(frame.loc[frame["n"] == 1, "group"])
    alone = [f"One finished seed, so no interval and no letter: {', '.join(single)}."] if single else []
    return frame, [*NOTES, *([APART] if len(frames) > 1 else []), *alone, *evidence.lost]


COLUMNS = (
    words("Architecture", "group"),
    words("data", "data"),
    number("mean", "mean", 2),
    number("std", "std", 2),
    number("n", "n"),
    between("95 % CI", "low", "high", 2),
    number("best", "best", 2),
    number("worst", "worst", 2),
    words("groups", "letters"),
)
RANKING = Table("ranking", "Ranking by test accuracy, with groups.", (), ranked, shown(COLUMNS))
