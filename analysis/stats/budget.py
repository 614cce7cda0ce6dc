"""What a search buys: the expected best validation accuracy among the first k configurations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from analysis.evidence import Candidate

LOW, HIGH = 0.05, 0.95
ROUNDING = 1e-9  # Of chances that went through logarithms.
BUDGETS = {
    "trials": "configurations tried",
    "epochs": "epochs trained",
    "seconds": "training time in seconds",
    "mults": "multiplies per training image, forward only",
}


def compute_expected_best(accuracies: np.ndarray) -> pd.DataFrame:
    """The best of k values drawn without replacement from those given, for each k.

    The chance that the best of k is at most the i-th smallest of N values is C(i, k) / C(N, k): the
    exact form of the estimator of Dodge et al., "Show Your Work" (EMNLP 2019), which draws with replacement.

    Returns:
        ``k`` from 1 to N, its ``mean``, and the 5 % and 95 % quantiles ``low`` and ``high``, in the unit of the values.
    """
    values = np.sort(np.asarray(accuracies, dtype=float))
    n, gammaln, rows = len(values), scipy.special.gammaln, []

    def log_choose(n: np.ndarray | int, k: int) -> np.ndarray:
        return gammaln(np.asarray(n) + 1.0) - gammaln(k + 1.0) - gammaln(np.asarray(n) - k + 1.0)

    for k in range(1, n + 1):
        below = np.zeros(n)
        below[k - 1 :] = np.exp(log_choose(np.arange(k, n + 1), k) - log_choose(n, k))
        below[-1] = 1.0  # Whatever rounding made of it.
        low, high = (values[int(np.searchsorted(below, quantile - ROUNDING))] for quantile in (LOW, HIGH))
        rows.append((k, float(np.diff(below, prepend=0.0) @ values), low, high))
    return pd.DataFrame(rows, columns=["k", "mean", "low", "high"])


def compute_budget_curve(candidate: Candidate) -> pd.DataFrame:
    """Expected best validation accuracy in percent against four budgets, in the order a random search spends them.

    Every trial counts with the accuracy that it ended with, also one that was stopped; a diverged one counts as 0,
    and a failed one not at all. The other budgets are k times the mean cost of a trial, so early stopping makes them
    smaller.

    Returns:
        ``compute_expected_best`` with the columns of ``BUDGETS``; no rows without a trial that ended.
    """
    ended = candidate.sweep[~candidate.sweep["status"].isin(["unfinished", "failed"])]
    alive = ended["status"].isin(["completed", "stopped"])
    curve = compute_expected_best(100.0 * ended["val_accuracy"].where(alive).fillna(0.0).to_numpy(dtype=float))
    epochs, seconds, cost = ended["epoch"].mean(), ended["seconds"].mean(), candidate.cost
    mults = float("nan") if cost is None else epochs * (cost.mults + cost.transform)
    costs = zip(BUDGETS, (1, epochs, seconds, mults), strict=True)
    return curve.assign(**{budget: curve["k"] * each for budget, each in costs})
