"""What searches miss when each may spend the same number of epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.replay.repeats import HIGH, LOW, Plan, Replays, look_up, replay_listed
from analysis.replay.simulation import count_affordable

SHARES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Of what it takes in epochs to train every configuration to the end once."""
PLANNED = ("halving", "hyperband")  # Which take so many configurations as the epochs are enough for.


def summarize_regrets(replays: Sequence[Replays], plan: Plan) -> pd.DataFrame:
    """The regret of what each search has found when a share of all epochs is spent.

    A search that trains one configuration after the other is looked up when so many epochs were spent, or as it ended
    if that was before. Halving and Hyperband find nothing before their last rung, so they are replayed anew for each
    share, with as many configurations as it is enough for, so that they have ended then.

    Returns:
        One row for each of them and each of ``SHARES``: ``group``, ``search``, ``scheduler``, ``share``, ``epochs``,
        and over the replays the ``median`` regret in points with its 5 % and 95 % percentiles ``low`` and ``high``;
        infinite where so many have trained nothing to the end.
    """
    rows = []
    for one in replays:
        whole = one.material.whole
        for share, regrets in zip(SHARES, _list_regrets(one, plan).T, strict=True):
            low, median, high = np.percentile(regrets, [LOW, 50.0, HIGH], method="nearest")
            about = {"group": one.material.group, "search": one.search, "scheduler": one.scheduler}
            found = {"median": float(median), "low": float(low), "high": float(high)}
            rows.append(about | {"share": share, "epochs": share * whole} | found)
    return pd.DataFrame(rows)


def _list_regrets(one: Replays, plan: Plan) -> np.ndarray:
    """(replays, shares) points that are missing to the best of all; infinite without a pick."""
    material, epochs = one.material, one.material.whole * np.array(SHARES)
    if one.scheduler not in PLANNED:
        found = look_up(material, one.traces, epochs)
    else:
        fewer = [_choose_samples(one, plan, most) for most in epochs]
        found = np.stack([_replay_planned(one, replace(plan, samples=count)) for count in fewer], axis=1)
    return np.where(np.isnan(found), np.inf, 100 * material.final.max() - found)


def _choose_samples(one: Replays, plan: Plan, epochs: float) -> int:
    count = count_affordable(one.material, one.scheduler, epochs)
    most = plan.samples or one.material.size
    return min(count, most) if one.search == "grid" or plan.samples else count


def _replay_planned(one: Replays, plan: Plan) -> np.ndarray:
    """(replays,) accuracies in percent of what each found in the end; NaN where it found nothing."""
    if not plan.samples:
        return np.full(plan.repeats, np.nan)
    again = replay_listed(one.material, one.search, one.scheduler, plan)
    return look_up(one.material, again.traces, np.array([np.inf]))[:, 0]
