"""The published differences between networks, and what the conclusions on the published numbers rest on."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.records.schema import make_records
from analysis.stats.equivalence import PUBLISHED_SEEDS, Equivalence, Moments, compare_gaps, conclude, judge_equivalence
from analysis.stats.outcomes import BROKEN
from analysis.stats.samples import correct_by_holm
from analysis.tables.equivalence import HOLDS, compare_with_published
from analysis.tables.table import (
    Column,
    Table,
    format_epochs,
    make_display,
    show_number,
    show_p,
    show_range,
    show_words,
)

SIZES = (5, 20)
"""Seeds that the chapter might have had, beside the ten that the others of its tables say."""
ROUNDED = 0.05
"""Half a unit of the last digit of a published mean."""
NONE = "No two networks with published numbers on this data set have finished reruns."


def build_gaps(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Our difference of every two networks that the chapter has, against the published one."""
    known = [[one for one in found if one.published] for found in evidence.by_data.values()]
    pairs = [pair for found in known for pair in itertools.combinations(found, 2)]
    rows = [_compare(first, second, evidence.margin) for first, second in pairs if first.published != second.published]
    frame = pd.DataFrame(
        rows, columns=["first", "second", "ours", "published", *Equivalence._fields, "holds", "epochs"]
    )
    if not len(frame):
        return frame, [NONE, *evidence.remarks]
    return frame, [
        "What the chapter claims is a difference between networks. ours, published: the first network's mean minus the "
        "second's, in points; difference: ours minus published, with its 90 % interval over the seeds of all four "
        f"means (published: n = {PUBLISHED_SEEDS} each). least margin: the smallest at which it is reproduced.",
        f"reproduced: the two differences are less than {evidence.margin:g} points apart (TOST at 5 %); close but "
        "different: that, and yet not equal (Welch's test at 5 %); differs: not equal, and not shown to be close; "
        "inconclusive: neither. Each pair is a question of its own, so p is not corrected.",
        *([HOLDS] if frame["holds"].notna().any() else []),
        *evidence.repeats,
        *evidence.remarks,
    ]


def _compare(first: Candidate, second: Candidate, margin: float) -> dict[str, Any]:
    both: tuple[Any, Any] = first.published, second.published
    theirs = (Moments(both[0].mean, both[0].std), Moments(both[1].mean, both[1].std))
    lost = bool(first.reruns.lost or second.reruns.lost)
    broken = BROKEN if first.reruns.broken or second.reruns.broken else ""
    found = compare_gaps((first.accuracies, second.accuracies), theirs, margin, lost, broken)
    curves = [one.reruns.last for one in (first, second)]
    places = range(-min(len(last.columns) for last in curves), 0)
    holds = math.nan
    if not found.untested and len(places) > 1 and not any(last.isna().to_numpy().any() for last in curves):
        each = [
            compare_gaps((curves[0].iloc[:, place].to_numpy(), curves[1].iloc[:, place].to_numpy()), theirs, margin)
            for place in places
        ]
        holds = float(sum(other.conclusion == found.conclusion for other in each))
    published = both[0].mean - both[1].mean
    return {
        **{"first": first.group, "second": second.group, "ours": found.difference + published, "published": published},
        **{**found._asdict(), "holds": holds, "epochs": len(places)},
    }


def vary_assumptions(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each conclusion of table ``published``, if the chapter's seeds or digits were others, or all were one family."""
    known, notes = compare_with_published(evidence)
    frame = known[known["untested"] == ""].reset_index(drop=True)
    of = {one.group: one for one in evidence.candidates}
    holm = correct_by_holm(frame["p_equivalent"]), correct_by_holm(frame["p_differs"])
    frame = frame.assign(p_holm=holm[0], corrected=list(map(conclude, *holm)))
    more = [_vary(of[row["group"]], evidence.margin) for row in make_records(frame)]
    varied = pd.DataFrame(more, columns=list(VARIED), index=frame.index, dtype=object)
    frame = pd.concat([frame[["group", "conclusion", "least_margin", "p_holm", "corrected"]], varied], axis=1)
    if not len(frame):
        why = ["No network was tested against its published number.", *evidence.remarks]
        return frame, why if len(known) else notes[:1]
    return frame, [
        f"What the conclusions of table published become under other assumptions, at a margin of {evidence.margin:g} "
        "points. least margin: the smallest at which the TOST is significant. Holm: all networks here as one family. "
        f"n = ..: if the published means were of so many seeds, rather than {PUBLISHED_SEEDS}; mean - {ROUNDED:g}, "
        f"mean + {ROUNDED:g}: if the published mean was rounded by that much.",
        *evidence.repeats,
        *evidence.remarks,
    ]


VARIED = {
    "fewer": {"n": SIZES[0]},
    "more": {"n": SIZES[1]},
    "lower": {"shift": -ROUNDED},
    "higher": {"shift": ROUNDED},
}


def _vary(one: Candidate, margin: float) -> list[str]:
    known: Any = one.published

    def judge(n: int = PUBLISHED_SEEDS, shift: float = 0.0) -> str:
        return judge_equivalence(one.accuracies, known.mean + shift, known.std, n, margin).conclusion

    return [judge(**changed) for changed in VARIED.values()]


GAPPED = (
    show_words("First", "first"),
    show_words("Second", "second"),
    show_number("ours", "ours", 2, sign=True),
    show_number("published", "published", 1, sign=True),
    show_number("difference", "difference", 2, sign=True),
    show_range("90 % CI", "low", "high", 2),
    show_number("least margin", "least_margin", 2),
    show_p("p (TOST)", "p_equivalent"),
    show_p("p (differs)", "p_differs"),
    show_words("conclusion", "conclusion"),
    Column("epochs", format_epochs),
)
ASSUMED = (
    show_words("Architecture", "group"),
    show_words("conclusion", "conclusion"),
    show_number("least margin", "least_margin", 2),
    show_p("p (TOST, Holm)", "p_holm"),
    show_words("with Holm", "corrected"),
    show_words(f"n = {SIZES[0]}", "fewer"),
    show_words(f"n = {SIZES[1]}", "more"),
    show_words(f"mean - {ROUNDED:g}", "lower"),
    show_words(f"mean + {ROUNDED:g}", "higher"),
)
GAPS = Table("gaps", "Against the published differences.", (), build_gaps, make_display(GAPPED))
ASSUMPTIONS = Table(
    "assumptions", "What the conclusions on the published numbers rest on.", (), vary_assumptions, make_display(ASSUMED)
)
