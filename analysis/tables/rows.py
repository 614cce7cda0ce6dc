"""The rows that Tables 1.3 and 1.4 share: our accuracy beside the published one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.incumbents import incumbents
from analysis.published import PUBLISHED
from analysis.records import Run
from analysis.stats import summarise
from spaces.hyperparameters import NAMES


def accuracy_rows(run: Run, architectures: Iterable[str]) -> pd.DataFrame:
    """One row per architecture, in the order given; blank (NaN) where nothing was rerun.

    Only reruns of the incumbent's configuration count, and of those the ones whose last epoch
    (``rerun_epochs`` of the spec) is recorded.

    Returns:
        Columns ``architecture``, ``title``; ours: the four hyperparameters, ``mean_percent``,
        ``std_percent``, ``ci_low_percent``, ``ci_high_percent`` of the test accuracy; how many
        reruns ``finished``, ``diverged``, ``failed``, are ``unfinished`` or ``not_started``, and
        how many ``other`` reruns were of another configuration; then ``published_lr`` and so on.
    """
    chosen = incumbents(run)
    return pd.DataFrame([_row(run, chosen, name) for name in architectures])


def _row(run: Run, chosen: pd.DataFrame, name: str) -> dict[str, Any]:
    reruns = run.trials.query(f"phase == 'rerun' and architecture == '{name}'")
    counted = reruns.query(f"config_id == '{chosen['config_id'].get(name, '')}'")
    ours = counted.iloc[0] if len(counted) else dict.fromkeys(NAMES, math.nan)

    status = Counter(counted["status"])
    running = counted.query("status not in ['diverged', 'failed']")["trial_id"]
    final = run.epochs.query(f"epoch == {run.spec.get('rerun_epochs') or 0} and test_accuracy.notna()")
    accuracies = final.set_index("trial_id")["test_accuracy"].reindex(running).dropna()
    summary = summarise(100.0 * accuracies.to_numpy(dtype=float))
    published = PUBLISHED.get(name)
    planned = run.spec.get("rerun_seeds") or 0
    return {
        "architecture": name,
        "title": published.title if published else name,
        **{field: ours[field] for field in NAMES},
        "mean_percent": summary.mean,
        "std_percent": summary.std,
        "ci_low_percent": summary.low,
        "ci_high_percent": summary.high,
        "finished": summary.n,
        "diverged": status["diverged"],
        "failed": status["failed"],
        "unfinished": len(running) - summary.n,
        "not_started": max(0, planned - len(counted)) if len(counted) else 0,
        "other": len(reruns) - len(counted),
        **{f"published_{field}": getattr(published.theta, field) if published else math.nan for field in NAMES},
        "published_mean_percent": published.mean if published else math.nan,
        "published_std_percent": published.std if published else math.nan,
    }
