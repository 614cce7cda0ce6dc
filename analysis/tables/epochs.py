"""Was the last epoch a lucky one? Each network after its last epoch, and over its last epochs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.judging import LAST
from analysis.stats.epochs import measure_dips
from analysis.stats.samples import summarize
from analysis.tables.notes import name_left_out, name_unfinished
from analysis.tables.table import (
    Column,
    Table,
    format_seeds,
    make_display,
    show_number,
    show_percent,
    show_range,
    show_words,
)

FIELDS = ["group", "n", "asked", "final", "final_std", "mean", "std", "low", "high", "least_std", "most_std", "dips"]


def build_epochs(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each candidate with known last epochs of its reruns."""
    rows = [_follow(one, evidence.margin) for one in evidence.ended if _is_known(one)]
    frame = pd.DataFrame(rows, columns=FIELDS)
    if not len(frame):
        why = f"no run kept the last {LAST} epochs of its reruns." if evidence.ended else ""
        return frame, [f"No network can be followed: {why}" if why else name_unfinished(evidence.candidates)]
    followed = sorted({len(one.reruns.last.columns) for one in evidence.ended if _is_known(one)})
    many = " to ".join(map(str, followed[:: max(1, len(followed) - 1)]))
    left = [one.group for one in evidence.ended if one.reruns.finished and not _is_known(one)]
    return frame, [
        "Test accuracy in percent over the finished reruns. last epoch: what the chapter reports. mean: of the "
        f"last {many} epochs of each seed, with its 95 % Student-t interval. Where accuracy no longer rises the two "
        f"estimate the same thing, and the second sees {many} times as many epochs. std by epoch: the least and the "
        "most that the seeds' standard deviation was after any of these epochs.",
        f"dips: the share of these epochs after which a seed lay more than {evidence.margin:g} points below its own "
        "median over them.",
        *([f"Left out, since only the last epoch was kept: {', '.join(left)}."] if left else []),
        *name_left_out(evidence),
        *evidence.remarks,
    ]


def _is_known(one: Candidate) -> bool:
    last = one.reruns.last
    return len(last) > 0 and len(last.columns) > 1 and not last.isna().to_numpy().any()


def _follow(one: Candidate, margin: float) -> dict[str, Any]:
    last = one.reruns.last
    final, found = summarize(one.reruns.final), summarize(last.mean(axis=1))
    spreads = last.std(axis=0, ddof=1)
    return {
        **{"group": one.group, "n": found.n, "asked": one.reruns.asked, "final": final.mean, "final_std": final.std},
        **{"mean": found.mean, "std": found.std, "low": found.low, "high": found.high},
        **{"least_std": spreads.min(), "most_std": spreads.max(), "dips": measure_dips(last, margin)},
    }


COLUMNS = (
    show_words("Architecture", "group"),
    Column("n", format_seeds),
    show_number("last epoch", "final", 2),
    show_number("std", "final_std", 2),
    show_number("mean", "mean", 2),
    show_number("its std", "std", 2),
    show_range("95 % CI", "low", "high", 2),
    show_range("std by epoch", "least_std", "most_std", 2),
    show_percent("dips %", "dips", 0),
)
EPOCHS = Table("epochs", "The last epoch, and the last five.", (), build_epochs, make_display(COLUMNS))
