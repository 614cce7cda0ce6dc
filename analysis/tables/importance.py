"""What mattered: what decides which configurations break down, and what changes the accuracy of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.stats import breakdowns, importance
from analysis.tables.table import Table, make_display, show_p, show_percent, show_test, show_words
from spaces.common.wording import format_count

BROKE = [
    "Broke down: diverged, or collapsed as in table search. Table importance covers the other configurations.",
    "p: the probability that breakdowns dealt out at random differ as much from level to level (chi-square, "
    "9999 permutations), Holm-corrected over the hyperparameters that varied; matters: at 5 %.",
]
CHANGED = [
    "Effects on validation accuracy at the end of the grace period, before the scheduler has stopped any trial. "
    "Configurations that broke down are left out; see table breakdowns.",
    "p: of an F-test (type II) on the ranks of these accuracies, Holm-corrected over the terms; matters: at 5 %.",
    "share: of the variance of accuracy, over a grid that was tried in full and in which nothing broke down.",
]
TPE = "TPE chose where to look, so the numbers describe this sweep and not the space."
Judge: TypeAlias = "Callable[[Candidate], tuple[pd.DataFrame, list[str]]]"


def _fill_rows(evidence: Evidence, judge: Judge, fields: list[str], notes: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The rows and sentences of each candidate that was searched."""
    frames, said = [], {}
    for one in (one for one in evidence.candidates if len(one.sweep)):
        frame, sentences = judge(one)
        frames.append(frame.assign(group=one.group))
        for sentence in [*sentences, *([TPE] if one.run.spec.get("search") == "tpe" else [])]:
            said.setdefault(sentence, []).append(one.group)
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    notes = [*(notes if frames else [evidence.unsearched])]
    notes += [f"{', '.join(groups)}: {sentence}" for sentence, groups in said.items()]
    return frame.reindex(columns=["group", *fields]), notes


def _list_broken(one: Candidate) -> tuple[pd.DataFrame, list[str]]:
    table = breakdowns.list_outcomes(one)
    left = format_count(missing := len(one.sweep) - len(table), "configuration")
    out = [f"Left out, since they failed, have not ended or have no accuracy: {left}."] if missing else []
    return breakdowns.find_breakdowns(one), [f"{breakdowns.count_broken(table)}.", *out]


def _say_what_changed(one: Candidate) -> tuple[pd.DataFrame, list[str]]:
    found = importance.measure_importance(one)
    return found.effects, [*([f"The shares are over {found.where}."] if found.where else []), *found.said]


FIRST = (show_words("Architecture", "group"), show_words("hyperparameter", "term"))
LAST = (show_p("p (Holm)", "p_holm"), show_test("matters"))
BREAKDOWNS = Table(
    "breakdowns",
    "What decided which configurations broke down.",
    (),
    lambda evidence: _fill_rows(evidence, _list_broken, breakdowns.COLUMNS, BROKE),
    make_display((*FIRST, show_words("broke down", "by_level"), *LAST)),
)
IMPORTANCE = Table(
    "importance",
    "What changed the accuracy of the others.",
    (),
    lambda evidence: _fill_rows(evidence, _say_what_changed, importance.COLUMNS, CHANGED),
    make_display((*FIRST, show_percent("share %", "share"), *LAST)),
)
