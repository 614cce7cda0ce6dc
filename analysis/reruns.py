"""Which reruns count, and what they scored: the sample that every statement about accuracy rests on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.judging import LAST, find_chance, find_judge
from analysis.records.reader import Run
from analysis.stats.collapse import find_collapse_level
from analysis.stats.outcomes import summarize_outcomes
from analysis.stats.samples import Summary, summarize
from spaces.common.errors import UserError
from spaces.specs.protocol import JUDGES


@dataclass(frozen=True, eq=False)
class Reruns:
    """An architecture's reruns of one configuration.

    Attributes:
        trials: those of the configuration.
        last: test accuracy in percent after each of the last ``LAST`` epochs, trial x epoch; of the finished ones only.
            NaN where only the last one was kept.
        judge: which of ``JUDGES`` says what a trial scored.
        chance: what guessing reaches in percent, which a diverged seed counts as; 0 where the run does not say.
        level: the accuracy in percent below which a finished one collapsed; NaN where none finished.
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
    last: pd.DataFrame
    judge: str
    chance: float
    level: float
    asked: int
    finished: int
    collapsed: list[float]
    diverged: int
    failed: int
    unfinished: int
    not_started: int
    other: int

    @property
    def final(self) -> pd.Series:
        """Test accuracy in percent after the last epoch, indexed by trial."""
        return self.last.iloc[:, -1]

    @property
    def is_followed(self) -> bool:
        """Whether the last epochs are all known, and were a part of the training small enough to be its end."""
        return (
            len(self.last) > 0 and bool(self.last.notna().to_numpy().all()) and int(self.last.columns[-1]) >= 2 * LAST
        )

    @property
    def judged(self) -> pd.Series:
        """What each finished trial scored, by the judge, in percent; indexed by trial."""
        return self.final if self.judge == "final" else self.last.mean(axis=1, skipna=False)

    def add_diverged(self, accuracies: pd.Series) -> pd.Series:
        """Accuracies of the finished trials, then chance for each that diverged: divergence is an outcome, too."""
        ids = self.trials.loc[self.trials["status"] == "diverged", "trial_id"]
        return pd.concat([accuracies, pd.Series(self.chance, index=pd.Index(ids))]) if len(ids) else accuracies

    @property
    def outcomes(self) -> pd.Series:
        """What each seed that ended by itself came to, in percent; indexed by trial."""
        return self.add_diverged(self.judged)

    @property
    def accuracies(self) -> np.ndarray:
        """``outcomes`` as an array: the sample."""
        return self.outcomes.to_numpy(dtype=float)

    @property
    def ended(self) -> int:
        """How many finished or diverged: the size of the sample."""
        return self.finished + self.diverged

    @property
    def broken(self) -> int:
        """How many diverged or collapsed."""
        return self.diverged + len(self.collapsed)

    @cached_property
    def summary(self) -> Summary:
        """The sample in a few numbers, with the interval that is shown; ``guarded`` where seeds broke down."""
        return self.guarded if self.broken else self.successful

    @cached_property
    def successful(self) -> Summary:
        """The seeds that neither diverged nor collapsed.

        An interval of last epochs must also span that of the last five (``join``).
        """
        good = self.final >= self.level
        found = summarize(self.judged[good])
        if self.judge == JUDGES[0] and self.is_followed:
            return found.join(summarize(self.last[good].mean(axis=1)))
        return found

    @cached_property
    def guarded(self) -> Summary:
        """The sample with an interval that allows for seeds that break down, as some did or may."""
        low = self.outcomes[self.add_diverged(self.final) < self.level] if self.finished else self.outcomes
        return summarize_outcomes(self.successful, self.accuracies, float(low.mean()) if self.broken else self.chance)

    @property
    def lost(self) -> int:
        """How many failed, so that nobody knows what they would have reached: the seeds left are a selection."""
        return self.failed


def find_reruns(run: Run, architecture: str, config_id: str | None, judge: str | None = None) -> Reruns:
    """Finds the reruns that count: of the given configuration, with ``rerun_epochs`` of the spec recorded.

    Args:
        run: their run.
        architecture: their architecture.
        config_id: their configuration; None: there are none.
        judge: see ``Reruns``; None: the run's own, else ``final``.

    Raises:
        UserError: the judge needs epochs that the run does not have.
    """
    judge = judge or find_judge(run)
    trials = run.trials
    reruns = trials[(trials["phase"] == "rerun") & (trials["architecture"] == architecture)]
    counted = reruns[reruns["config_id"] == config_id] if config_id else reruns.iloc[:0]
    running = counted.loc[~counted["status"].isin(["diverged", "failed"]), "trial_id"]
    end = run.spec.get("rerun_epochs") or 0
    window = range(max(1, end - LAST + 1), max(1, end) + 1)
    rows = run.epochs[run.epochs["epoch"].isin(window) & run.epochs["trial_id"].isin(running)]
    last = 100.0 * rows.pivot(index="trial_id", columns="epoch", values="test_accuracy")
    last = last.reindex(index=pd.Index(running), columns=[*window]).dropna(subset=[window[-1]])
    if judge != JUDGES[0] and last.isna().to_numpy().any():
        raise UserError(f"judge: {judge} needs the last {LAST} epochs, and {run.path} kept only the last; use final")
    final = last[window[-1]]
    level = 100.0 * find_collapse_level(final.max() / 100.0, run.spec.get("classes"))
    status = Counter(counted["status"])
    planned = run.spec.get("rerun_seeds") or 0
    return Reruns(
        counted,
        last,
        judge,
        chance=100.0 * find_chance(run),
        level=level,
        asked=max(planned, len(counted)),
        finished=len(final),
        collapsed=sorted(final[final < level]),
        diverged=status["diverged"],
        failed=status["failed"],
        unfinished=len(running) - len(final),
        not_started=max(0, planned - len(counted)) if len(counted) else 0,
        other=len(reruns) - len(counted),
    )
