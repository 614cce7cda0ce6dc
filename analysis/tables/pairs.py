"""Every two architectures: the difference, whether it is real, and how large it would have had to be."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.stats.pairs import add_detectable, compare_pairs
from analysis.stats.samples import explain_untested
from analysis.tables.columns import Column, between, format_tested, make_display, number, p_value, seeds, words
from analysis.tables.table import Table

NOTES = [
    "Differences of the means in points of test accuracy, with Welch's 95 % interval of each pair by itself. "
    "p is Welch's, Holm-corrected over {family}; g is Hedges' (difference in pooled standard deviations).",
    "detectable: the true difference that these seeds would have shown with a probability of 80 %, if the spreads are "
    "as observed; at 5 % divided by the number of pairs.",
]
NONE = "Differences of the means in points of test accuracy. No pair was tested, so no difference is known to be real."
APART = "Pairs on different data sets are left out, because their accuracies are not comparable."


def build_pairs(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """All pairs of the candidates that have ended reruns on the same data."""
    frames = []
    for data, found in evidence.by_data.items():
        frame, counts = evidence.detectable[data], {one.group: one.reruns for one in found}
        for side in ("first", "second"):
            frame = frame.assign(
                **{
                    f"{side}_n": [counts[group].finished for group in frame[side]],
                    f"{side}_asked": [counts[group].asked for group in frame[side]],
                }
            )
        frames.append(frame.assign(data=data))
    kept = [found for found in frames if len(found)]
    if not kept:
        empty = add_detectable(compare_pairs({}), {}).assign(
            data="", first_n=0, first_asked=0, second_n=0, second_asked=0
        )
        return empty, [
            "Fewer than two architectures have finished reruns on the same data.",
            *evidence.repeats,
            *evidence.remarks,
        ]
    frame = pd.concat(kept, ignore_index=True)
    said = [note.format(family=evidence.family) for note in NOTES] if evidence.family else [NONE]
    return frame, [
        *said,
        *explain_unfit(evidence),
        *([APART] if len(frames) > 1 else []),
        *evidence.repeats,
        *evidence.remarks,
    ]


def explain_unfit(evidence: Evidence) -> list[str]:
    """A sentence for each reason why networks were tested against none."""
    found: dict[str, list[str]] = {}
    for one in (one for several in evidence.by_data.values() if len(several) > 1 for one in several):
        if why := explain_untested(one.accuracies, one.accuracies, bool(one.reruns.lost)):
            found.setdefault(why, []).append(one.group)
    return [f"Not tested, since {why}: {', '.join(names)}." for why, names in found.items()]


COLUMNS = (
    words("First", "first"),
    words("Second", "second"),
    words("data", "data"),
    Column("n", lambda row: f"{seeds(row, 'first_')}, {seeds(row, 'second_')}"),
    number("difference", "difference", 2, sign=True),
    between("95 % CI", "low", "high", 2),
    p_value("p (Holm)", "p_holm"),
    number("g", "g", 2, sign=True),
    Column("differs", lambda row: format_tested(row["p_holm"], row["differs"]), right=False),
    number("detectable", "detectable", 2),
)
PAIRS = Table("pairs", "Which differences are real.", (), build_pairs, make_display(COLUMNS))
