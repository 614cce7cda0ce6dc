"""Are the published numbers reproduced?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.evidence import Evidence
from analysis.records.schema import make_records
from analysis.stats.equivalence import PUBLISHED_SEEDS, Equivalence, is_settled
from analysis.stats.samples import LEAST
from analysis.tables.notes import name_reduced
from analysis.tables.table import (
    Column,
    Table,
    format_epochs,
    format_seeds,
    make_display,
    show_number,
    show_p,
    show_range,
    show_words,
)

HOLDS = "epochs: after how many of the last epochs the conclusion is the same."
FIELDS = ["group", "n", "asked", "mean", "published_mean", "published_std", "margin"]


def compare_with_published(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each candidate that the chapter has a number for, against that number; one that only repeats another is not."""
    margin = evidence.margin
    rows = [
        {
            **{"group": one.group, "n": one.reruns.ended, "asked": one.reruns.asked},
            **{"mean": one.reruns.outcomes.mean(), "published_mean": known.mean, "published_std": known.std},
            **{"margin": margin, **found._asdict()},
            **dict(zip(("holds", "epochs"), evidence.count_agreeing_epochs(one), strict=True)),
        }
        for one in evidence.candidates
        if one.group not in evidence.repeated
        if (known := one.published) is not None and (found := evidence.judge_equivalence(one)) is not None
    ]
    frame = pd.DataFrame(rows, columns=[*FIELDS, *Equivalence._fields, "holds", "epochs"])
    if not len(frame):
        known = any(one.published for one in evidence.candidates)
        why = (
            "no rerun has finished"
            if known
            else "the chapter has no mean with a standard deviation for these networks on this data set"
        )
        return frame, [f"No network can be compared with the published numbers: {why}.", *evidence.remarks]
    return frame, [
        f"Difference: our mean minus the published one (std as published, n = {PUBLISHED_SEEDS}), in points, with its "
        "90 % Welch interval.",
        f"reproduced: the difference is smaller than {margin:g} points, by two one-sided Welch tests at 5 % (TOST). "
        "differs: it is not zero, by Welch's two-sided test. close but different: both. inconclusive: neither. "
        f"not tested: seeds were lost or broke down, or fewer than {LEAST} have finished, or all are alike. Each "
        "network is a separate question, so p is not corrected; table assumptions has Holm's correction.",
        *([HOLDS] if frame["holds"].notna().any() else []),
        *(f"{row['group']}: {name_unsettled(row)}." for row in make_records(frame) if name_unsettled(row)),
        *explain_less(evidence),
        *evidence.repeats,
        *evidence.remarks,
    ]


def name_unsettled(row: dict[str, Any]) -> str:
    """Why no number of seeds of ours would settle an inconclusive row; empty where it would, and for other rows."""
    std, margin = row["published_std"], row["margin"]
    if row["conclusion"] != "inconclusive" or is_settled(row["difference"], std, margin=margin):
        return ""
    return (
        f"no number of seeds of ours would settle this difference at {margin:g} points, since the published mean rests "
        f"on {PUBLISHED_SEEDS} seeds with a std of {std:g}"
    )


def explain_less(evidence: Evidence) -> list[str]:
    """What runs that the chapter has numbers for asked less of than the chapter did."""
    runs = {id(one.run): one.run for one in evidence.ended if one.published is not None}
    return [note for run in runs.values() for note in name_reduced(run)]


COLUMNS = (
    show_words("Architecture", "group"),
    show_number("ours", "mean", 2),
    Column("n", format_seeds),
    show_number("published", "published_mean", 1),
    show_number("difference", "difference", 2, sign=True),
    show_range("90 % CI", "low", "high", 2),
    show_p("p (TOST)", "p_equivalent"),
    show_p("p (differs)", "p_differs"),
    show_words("conclusion", "conclusion"),
    Column("epochs", format_epochs),
)
EQUIVALENCE = Table("published", "Against the published numbers.", (), compare_with_published, make_display(COLUMNS))
