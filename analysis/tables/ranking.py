"""Which networks are ahead, and which do not differ significantly."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence, find_lost, list_samples
from analysis.stats.pairs import compare_pairs
from analysis.stats.ranking import rank_networks
from analysis.tables.columns import Column, between, make_display, number, seeds, words
from analysis.tables.pairs import explain_unfit
from analysis.tables.table import Table

NOTES = [
    "Test accuracy in percent over the finished reruns; std with ddof = 1, Student-t interval of the mean; n: how many "
    "finished of those asked for.",
    "Networks that share a letter do not differ significantly: Welch's test, Holm-corrected over {family}, at 5 %.",
]
NONE = "No pair was tested, so there are no groups."
APART = "Accuracies on different data sets are not comparable, so each data set is ranked by itself."
LAST = "Networks that lost seeds come last and have no letter, because the seeds that are left are a selection."


def build_ranked(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """The candidates by mean test accuracy, each data set by itself."""
    frames = []
    for data, found in evidence.by_data.items():
        frame = rank_networks(list_samples(found), evidence.compared[data], find_lost(found))
        asked = {one.group: one.reruns.asked for one in found}
        frames.append(frame.assign(data=data, asked=[asked[group] for group in frame["group"]]))
    if not frames:
        return rank_networks({}, compare_pairs({})).assign(data="", asked=0), [
            "No rerun has finished yet; invsearch rerun trains them.",
            *evidence.remarks,
        ]
    said = [NOTES[0], NOTES[1].format(family=evidence.family) if evidence.family else NONE]
    said += [*explain_unfit(evidence), *([APART] if len(frames) > 1 else []), *evidence.repeats, *evidence.remarks]
    said += [LAST] if any(one.reruns.lost for one in evidence.candidates) else []
    return pd.concat(frames, ignore_index=True), said


COLUMNS = (
    words("Architecture", "group"),
    words("data", "data"),
    number("mean", "mean", 2),
    number("std", "std", 2),
    Column("n", seeds),
    between("95 % CI", "low", "high", 2),
    number("best", "best", 2),
    number("worst", "worst", 2),
    Column("groups", lambda row: row["letters"] or "-", right=False),
)
RANKING = Table("ranking", "Ranking by test accuracy, with groups.", (), build_ranked, make_display(COLUMNS))
