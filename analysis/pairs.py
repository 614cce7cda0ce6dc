"""Which architectures can be told apart: Welch's test of every pair, corrected for there being many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from statsmodels.stats.meta_analysis import effectsize_smd
from statsmodels.stats.power import TTestIndPower

from analysis.stats import ALPHA, holm, welch

POWER = 0.8
MANY = 10_000
"""More seeds than anyone will train; beyond it the power of a test is not worked out."""

COLUMNS = ["first", "second", "difference", "low", "high", "p", "p_holm", "g", "differs", "seeds"]


def pairs(samples: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Compares every two samples.

    Args:
        samples: group -> test accuracies in percent, one a seed. Samples of one value are compared
            with nothing.

    Returns:
        One row for each pair in the order of the samples: ``first`` and ``second``; ``difference`` of
        the means in points with its 95 % interval ``low`` to ``high`` (Welch, of this pair alone);
        Welch's ``p``; ``p_holm``, corrected over all pairs (Holm); Hedges' ``g``; whether it
        ``differs`` at 5 % after the correction, never where it could not be tested; and the ``seeds``
        that each of the two would need for a test to find, with a probability of 80 %, a difference as
        large as the one observed: at 5 % divided by the number of pairs, the strictest level that Holm
        can ask for. NaN where undefined.
    """
    rows = []
    for (first, ours), (second, theirs) in itertools.combinations(samples.items(), 2):
        compared = welch(ours, theirs)
        rows.append({"first": first, "second": second, **compared._asdict(), "g": _effect(ours, theirs, compared.p)})
    frame = pd.DataFrame(rows, columns=[*COLUMNS[:6], "g"]).astype(dict.fromkeys(["p", "g"], float))
    frame["p_holm"] = holm(frame["p"])
    frame["differs"] = frame["p_holm"] < ALPHA
    level = ALPHA / max(1, int(frame["p"].notna().sum()))
    frame["seeds"] = [
        seeds_needed(_unpooled(samples[first], samples[second], p), level)
        for first, second, p in zip(frame["first"], frame["second"], frame["p"], strict=True)
    ]
    return frame[COLUMNS]


def seeds_needed(effect: float, alpha: float = ALPHA) -> float:
    """How many seeds each of two samples needs for a t-test to find an effect with 80 % probability.

    Args:
        effect: the standardised difference.
        alpha: the level of the two-sided test.

    Returns:
        A whole number; ``inf`` beyond ``MANY``, NaN where the effect is.
    """
    if math.isnan(effect):
        return math.nan

    def too_few(seeds: int) -> bool:
        return bool(TTestIndPower().power(abs(effect), seeds, alpha) < POWER)

    # Doubling, then halving: the solver of statsmodels does not converge for large effects.
    few, enough = 1, 2
    while too_few(enough):
        if enough > MANY:
            return math.inf
        few, enough = enough, 2 * enough
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (middle, enough) if too_few(middle) else (few, middle)
    return float(enough) if enough <= MANY else math.inf


def _unpooled(ours: np.ndarray, theirs: np.ndarray, p: float) -> float:
    """The difference in units of the root of the mean variance: what Welch's test of equally large samples sees."""
    if math.isnan(p):
        return math.nan
    return float((ours.mean() - theirs.mean()) / math.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / 2))


def _effect(ours: np.ndarray, theirs: np.ndarray, p: float) -> float:
    """Hedges' g: the difference in units of the pooled standard deviation, corrected for small samples."""
    if math.isnan(p):
        return math.nan
    described = [value for sample in (ours, theirs) for value in (sample.mean(), sample.std(ddof=1), len(sample))]
    return float(effectsize_smd(*described)[0])
