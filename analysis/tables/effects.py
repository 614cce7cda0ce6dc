"""How large the differences between networks are: effects, equivalence, and how many seeds would show them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.records.schema import make_records
from analysis.stats.equivalence import Equivalence, judge_contrast
from analysis.stats.outcomes import BROKEN
from analysis.stats.pairs import count_seeds, count_tests
from analysis.stats.samples import ALPHA, explain_untested
from analysis.stats.superiority import Superiority, measure_superiority
from analysis.tables.table import Column, Table, make_display, show_number, show_p, show_range, show_words

FIELDS = ["first", "second", "g", *Superiority._fields, "least_margin", "p_equivalent", "alike", "seeds", "few", "many"]
MOST = 10_000
"""Seeds beyond which the number says no more than "very many"."""


def build_effects(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """All pairs of the candidates that have ended reruns on the same data."""
    rows = []
    for data, found in evidence.by_data.items():
        of, compared = {one.group: one for one in found}, evidence.compared[data]
        level = ALPHA / max(1, count_tests(compared))
        rows += [
            _measure(row, of[row["first"]], of[row["second"]], evidence.margin, level) for row in make_records(compared)
        ]
    frame = pd.DataFrame(rows, columns=FIELDS)
    if not len(frame):
        why = "Fewer than two architectures have finished reruns on the same data."
        return frame, [why, *evidence.repeats, *evidence.remarks]
    return frame, [
        "g: Hedges' g, the difference in pooled standard deviations. P(first > second): how probable it is that a seed "
        "of the first scores more than one of the second, a tie counting half, with Newcombe's 95 % interval.",
        f"alike: whether the two means are shown to differ by less than {evidence.margin:g} points (TOST at 5 %, each "
        "pair by itself); least margin: the smallest for which they are.",
        "seeds needed: of each network, to show the difference with a probability of 80 % at 5 % divided by the number "
        "of pairs. It rests on the observed difference and spreads; the range is what the ends of the difference's "
        f"95 % interval give, where an interval that holds 0 has no end. > {MOST:,}: too many to say.",
        *evidence.repeats,
        *evidence.remarks,
    ]


def _measure(row: dict[str, Any], first: Candidate, second: Candidate, margin: float, level: float) -> dict[str, Any]:
    both = first.accuracies, second.accuracies
    lost = bool(first.reruns.lost or second.reruns.lost)
    why = explain_untested(*both, lost) or (BROKEN if first.reruns.broken or second.reruns.broken else "")
    found: Equivalence = judge_contrast([(1, both[0]), (-1, both[1])], margin, why, lost)
    seeds = few = many = math.nan
    if not why:
        spread = math.hypot(*(float(np.std(sample, ddof=1)) for sample in both))
        ends = sorted((abs(row["low"]), abs(row["high"])))
        least = 0.0 if row["low"] <= 0 <= row["high"] else ends[0]
        seeds, few, many = (count_seeds(size, spread, level) for size in (abs(row["difference"]), ends[1], least))
    return {
        **{"first": row["first"], "second": row["second"], "g": row["g"]},
        **(Superiority() if lost else measure_superiority(*both))._asdict(),
        **{"least_margin": found.least_margin, "p_equivalent": found.p_equivalent},
        **{"alike": "-" if why else "yes" if found.p_equivalent < ALPHA else "no"},
        **{"seeds": seeds, "few": few, "many": many},
    }


def _format_seeds(count: float) -> str:
    return "-" if math.isnan(count) else f"> {MOST:,}" if count > MOST else f"{count:.0f}"


def _format_range(row: dict[str, Any]) -> str:
    if math.isnan(row["few"]):
        return "-"
    few, many = _format_seeds(row["few"]), _format_seeds(row["many"])
    return f"at least {few}" if math.isinf(row["many"]) else f"{few} to {many}"


COLUMNS = (
    show_words("First", "first"),
    show_words("Second", "second"),
    show_number("g", "g", 2, sign=True),
    show_number("P(first > second)", "chance", 2),
    show_range("95 % CI", "chance_low", "chance_high", 2),
    show_number("least margin", "least_margin", 2),
    show_p("p (TOST)", "p_equivalent"),
    show_words("alike", "alike"),
    Column("seeds needed", lambda row: _format_seeds(row["seeds"])),
    Column("range", _format_range),
)
EFFECTS = Table("effects", "How large the differences are.", (), build_effects, make_display(COLUMNS))
