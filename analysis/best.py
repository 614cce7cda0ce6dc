"""Each architecture's best: the configuration that it is judged by, what its reruns scored, the best of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.evidence import Candidate, gather
from analysis.records.reader import Run
from analysis.render.cells import THETA, format_finished, format_theta
from analysis.stats.samples import Summary
from spaces.common.wording import format_percent
from spaces.hyperparameters import NAMES, Hyperparameters

COLUMNS = [
    "architecture",
    "theta",
    "incumbent",
    "val",
    "test mean",
    "std",
    "n",
    "best rerun",
    "its test",
]


@dataclass(frozen=True)
class Best:
    """One architecture's best.

    Attributes:
        architecture: its name.
        config_id: of its configuration.
        theta: the configuration.
        incumbent: the sweep's trial of it; None where nothing was searched.
        val_accuracy: of that trial on held-out training images, a fraction; NaN where there is none.
        reruns: test accuracies in percent of its reruns that finished or diverged, summed up as in the tables.
        asked: how many reruns were asked for.
        finished: how many finished.
        lost: how many failed: the others are a selection.
        rerun: the finished rerun of the highest test accuracy; ties by lower test loss, then by trial id. None while
            none has finished.
        test_accuracy: of that rerun, a fraction; NaN where there is none.
    """

    architecture: str
    config_id: str
    theta: Hyperparameters
    incumbent: str | None
    val_accuracy: float
    reruns: Summary
    asked: int
    finished: int
    lost: int
    rerun: str | None
    test_accuracy: float


def find_bests(run: Run) -> list[Best]:
    """The best of every architecture that has an incumbent, in the order of the run."""
    return [_pick_best(candidate) for candidate in gather([run]).candidates if candidate.incumbent is not None]


def _pick_best(candidate: Candidate) -> Best:
    row: Any = candidate.incumbent
    incumbent = row["trial_id"] if isinstance(row["trial_id"], str) else None
    reruns = candidate.reruns
    finished = reruns.trials.query("trial_id in @ids", local_dict={"ids": list(reruns.final.index)})
    ranked = finished.sort_values(["test_accuracy", "test_loss", "trial_id"], ascending=[False, True, True])
    first: Any = ranked.iloc[0] if len(ranked) else None
    return Best(
        candidate.architecture,
        str(row["config_id"]),
        Hyperparameters(**(candidate.theta or {})),
        incumbent,
        float(row["val_accuracy"]) if incumbent else float("nan"),
        reruns.summary,
        reruns.asked,
        reruns.finished,
        reruns.lost,
        None if first is None else str(first["trial_id"]),
        float("nan") if first is None else float(first["test_accuracy"]),
    )


def build_best_table(found: Sequence[Best]) -> pd.DataFrame:
    """One row per architecture, with ``COLUMNS``, as people read it: ``95.06 %``, and ``-`` where there is none."""
    thetas = [best.theta.as_dict() for best in found]
    pairs = any(tuple(theta) != NAMES for theta in thetas)
    rows = [
        (
            best.architecture,
            format_theta(theta, pairs),
            best.incumbent or "-",
            format_percent(best.val_accuracy),
            format_percent(best.reruns.mean / 100.0),
            "-" if math.isnan(best.reruns.std) else f"{best.reruns.std:.2f}",
            format_finished(best.reruns.n, best.asked),
            best.rerun or "-",
            format_percent(best.test_accuracy),
        )
        for best, theta in zip(found, thetas, strict=True)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table if pairs else table.rename(columns={"theta": THETA})
