"""The rows that Tables 1.3 and 1.4 share: our accuracy beside the published one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.evidence import Candidate, Evidence, published_of
from analysis.published.mnist import Published
from analysis.records.reader import Run
from analysis.reruns import reruns_of
from analysis.stats.samples import summarise
from spaces.hyperparameters import NAMES


def accuracy_rows(evidence: Evidence, run: Run, architectures: Iterable[str]) -> pd.DataFrame:
    """One row per architecture, in the order given; blank (NaN) where nothing was rerun.

    Only reruns of the incumbent's configuration count, and of those the ones whose last epoch
    (``rerun_epochs`` of the spec) is recorded.

    Returns:
        Columns ``architecture``, ``title``; ours: the four hyperparameters, ``mean_percent``,
        ``std_percent``, ``ci_low_percent``, ``ci_high_percent`` of the test accuracy; how many
        reruns ``finished``, ``diverged``, ``failed``, are ``unfinished`` or ``not_started``, and
        how many ``other`` reruns were of another configuration; then ``published_lr`` and so on, where the
        text has numbers of any of them on the run's data.
    """
    found = evidence.of(run)
    known = {name: published_of(run, name) for name in architectures}
    several = any(published for published, _ in known.values())
    return pd.DataFrame(
        [
            {
                "architecture": name,
                "title": title,
                **_ours(run, found.get(name)),
                **(_theirs(published) if several else {}),
            }
            for name, (published, title) in known.items()
        ]
    )


def _ours(run: Run, one: Candidate | None) -> dict[str, Any]:
    reruns = reruns_of(run, "", None) if one is None else one.reruns
    ours = reruns.trials.iloc[0] if len(reruns.trials) else dict.fromkeys(NAMES, math.nan)
    summary = summarise(reruns.accuracies)
    return {
        **{field: ours[field] for field in NAMES},
        "mean_percent": summary.mean,
        "std_percent": summary.std,
        "ci_low_percent": summary.low,
        "ci_high_percent": summary.high,
        "finished": reruns.finished,
        "diverged": reruns.diverged,
        "failed": reruns.failed,
        "unfinished": reruns.unfinished,
        "not_started": reruns.not_started,
        "other": reruns.other,
    }


def _theirs(published: Published | None) -> dict[str, float]:
    return {
        **{f"published_{field}": getattr(published.theta, field) if published else math.nan for field in NAMES},
        "published_mean_percent": published.mean if published else math.nan,
        "published_std_percent": published.std if published else math.nan,
    }
