"""What became of the seeds: how many succeeded, and the mean of all of them beside that of the successful."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.stats.outcomes import find_wilson
from analysis.stats.samples import ALPHA, correct_by_holm
from analysis.tables.notes import name_unfinished
from analysis.tables.table import (
    Column,
    Table,
    format_probability,
    make_display,
    show_number,
    show_percent,
    show_range,
    show_words,
)
from spaces.common.wording import format_count

FIELDS = ["group", "asked", "ended", "succeeded", "rate", "rate_low", "rate_high", "mean", "low", "high"]
FIELDS += ["good_mean", "good_low", "good_high", "diverged", "collapsed", "failed"]


def count_outcomes(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each candidate with a seed that ended."""
    found = [one for one in evidence.candidates if one.reruns.ended or one.reruns.failed]
    frame = pd.DataFrame([_count(one) for one in found], columns=FIELDS)
    if not len(frame):
        return frame, [name_unfinished(evidence.candidates)]
    return frame, [
        "A seed that diverged or collapsed is an outcome of its network: it counts in the mean, a diverged one as what "
        "guessing reaches. A seed that failed says nothing of the network and is left out. success %: with its 95 % "
        "Wilson interval; successful: the mean of the seeds that succeeded alone, with its interval.",
        "Where seeds broke down, the interval of the mean over all takes the lower ends of the success rate and of the "
        "mean of the successful together, and the upper ones. Where none did, it is of the spread of the successful "
        "alone: ten successes of ten are compatible with 28 % of breakdowns.",
        *_compare_rates(evidence),
        *evidence.remarks,
    ]


def _count(one: Candidate) -> dict[str, Any]:
    reruns = one.reruns
    all_seeds, good = reruns.summary, reruns.successful
    low, high = find_wilson(good.n, reruns.ended)
    return {
        **{"group": one.group, "asked": reruns.asked, "ended": reruns.ended, "succeeded": good.n},
        **{"rate": good.n / reruns.ended if reruns.ended else math.nan, "rate_low": low, "rate_high": high},
        **{"mean": all_seeds.mean, "low": all_seeds.low, "high": all_seeds.high},
        **{"good_mean": good.mean, "good_low": good.low, "good_high": good.high},
        **{"diverged": reruns.diverged, "collapsed": len(reruns.collapsed), "failed": reruns.failed},
    }


def _compare_rates(evidence: Evidence) -> list[str]:
    """Fisher's exact test of the success rates of every two networks on the same data, where any seed broke down."""
    pairs = [pair for found in evidence.by_data.values() for pair in itertools.combinations(found, 2)]
    pairs = [pair for pair in pairs if any(one.reruns.broken for one in pair)]
    pairs = [pair for pair in pairs if all(one.reruns.ended and not one.reruns.lost for one in pair)]
    if not pairs:
        return []
    from scipy.stats import fisher_exact  # Lazily: it takes longer to load than pandas.

    counts = [[[one.reruns.successful.n, one.reruns.broken] for one in pair] for pair in pairs]
    p = correct_by_holm(pd.Series([float(fisher_exact(table)[1]) for table in counts]))  # type: ignore[index]
    test = f"Fisher's exact test, Holm-corrected over {format_count(len(pairs), 'pair')} in which a seed broke down"
    named = [
        f"{first.group} and {second.group} (p {format_probability(found)})"
        for (first, second), found in zip(pairs, p, strict=True)
        if found < ALPHA
    ]
    if named:
        return [f"Success rates that differ at 5 % ({test}): {', '.join(named)}."]
    return [f"No two success rates are shown to differ at 5 % ({test}; the least p is {format_probability(p.min())})."]


COLUMNS = (
    show_words("Architecture", "group"),
    Column("succeeded", lambda row: f"{row['succeeded']} of {row['asked']}"),
    show_percent("success %", "rate", 0),
    show_range("95 % CI", "rate_low", "rate_high", 0, 100.0),
    show_number("mean", "mean", 2),
    show_range("its 95 % CI", "low", "high", 2),
    show_number("successful", "good_mean", 2),
    show_range("their 95 % CI", "good_low", "good_high", 2),
    show_number("diverged", "diverged"),
    show_number("collapsed", "collapsed"),
    show_number("failed", "failed"),
)
OUTCOMES = Table("outcomes", "What became of the seeds.", (), count_outcomes, make_display(COLUMNS))
