"""Which reruns count, and what they scored: the sample that every statement about accuracy rests on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.records.reader import Run
from analysis.stats.collapse import find_collapse_level


@dataclass(frozen=True, eq=False)
class Reruns:
    """An architecture's reruns of one configuration.

    Attributes:
        trials: those of the configuration.
        final: test accuracy in percent after the last epoch, indexed by trial; of the finished ones only.
        asked: how many seeds were asked for, or begun where those are more.
        finished: how many have recorded their last epoch.
        collapsed: the accuracies of those of the finished that did not diverge and yet learned next to nothing.
        diverged: how many diverged.
        failed: how many failed.
        unfinished: how many have begun and not ended.
        not_started: how many of those asked for have not begun.
        other: reruns of other configurations, which do not count.
    """

    trials: pd.DataFrame
    final: pd.Series
    asked: int
    finished: int
    collapsed: list[float]
    diverged: int
    failed: int
    unfinished: int
    not_started: int
    other: int

    @property
    def accuracies(self) -> np.ndarray:
        """``final`` as an array."""
        return self.final.to_numpy(dtype=float)

    @property
    def lost(self) -> int:
        """How many diverged or failed: with one of them the seeds that are left are a selection."""
        return self.diverged + self.failed


def find_reruns(run: Run, architecture: str, config_id: str | None) -> Reruns:
    """Finds the reruns that count: of the given configuration, with ``rerun_epochs`` of the spec recorded."""
    trials = run.trials
    reruns = trials[(trials["phase"] == "rerun") & (trials["architecture"] == architecture)]
    counted = reruns[reruns["config_id"] == config_id] if config_id else reruns.iloc[:0]
    running = counted.loc[~counted["status"].isin(["diverged", "failed"]), "trial_id"]
    epochs = run.epochs
    last = epochs[(epochs["epoch"] == (run.spec.get("rerun_epochs") or 0)) & epochs["test_accuracy"].notna()]
    final = 100.0 * last.set_index("trial_id")["test_accuracy"].reindex(running).dropna()
    level = find_collapse_level(final.max() / 100.0, run.spec.get("classes"))
    status = Counter(counted["status"])
    planned = run.spec.get("rerun_seeds") or 0
    return Reruns(
        counted,
        final,
        asked=max(planned, len(counted)),
        finished=len(final),
        collapsed=sorted(final[final < 100.0 * level]),
        diverged=status["diverged"],
        failed=status["failed"],
        unfinished=len(running) - len(final),
        not_started=max(0, planned - len(counted)) if len(counted) else 0,
        other=len(reruns) - len(counted),
    )
