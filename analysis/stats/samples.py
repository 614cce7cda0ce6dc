"""Mean, spread and confidence of a few repeated measurements, and Welch's test between two such samples."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy  # Its modules are imported when they are first used; scipy.stats takes longer than pandas.

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
LEAST = 5
"""Finished seeds below which nothing is tested: with fewer Welch's test errs more often than it says."""

LOST = "seeds were lost"
FEW = f"a test takes {LEAST} finished seeds"
ALIKE = "seeds that are all alike tell of no spread"


class Summary(NamedTuple):
    """A sample in five numbers; those that the sample is too small for are NaN.

    Attributes:
        n: how many values.
        mean: their mean.
        std: their standard deviation (ddof = 1); NaN for fewer than two values.
        low: the lower end of the 95 % Student-t confidence interval of the mean; NaN where all values are alike:
            then the spread lies below what the measurement resolves, which is not a spread of zero.
        high: the upper end.
        best: the largest value.
        worst: the smallest value.
    """

    n: int
    mean: float
    std: float
    low: float
    high: float
    best: float
    worst: float


def summarize(values: Iterable[float]) -> Summary:
    """Sums up a sample of accuracies in percent, so no interval leaves 0 to 100."""
    sample = np.asarray(list(values), dtype=float)
    n = len(sample)
    if not n:
        return Summary(0, *[math.nan] * 6)
    mean, best, worst = float(sample.mean()), float(sample.max()), float(sample.min())
    if n < 2:
        return Summary(n, mean, math.nan, math.nan, math.nan, best, worst)
    if not does_vary(sample):
        return Summary(n, mean, 0.0, math.nan, math.nan, best, worst)
    std = float(sample.std(ddof=1))
    half = float(scipy.special.stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * std / math.sqrt(n)
    return Summary(n, mean, std, max(0.0, mean - half), min(100.0, mean + half), best, worst)


class Difference(NamedTuple):
    """Welch's comparison of two samples; all but the difference are NaN where it is undefined.

    Attributes:
        difference: mean of the first minus mean of the second.
        low: the lower end of the confidence interval of the difference.
        high: the upper end.
        p: two-sided p-value of Welch's test that the means are equal.
    """

    difference: float
    low: float
    high: float
    p: float


def welch(first: np.ndarray, second: np.ndarray, confidence: float = CONFIDENCE, lost: bool = False) -> Difference:
    """Compares two mean accuracies in percent without assuming equal variances (Welch's t-test).

    Where they are ``untested`` there is only the difference, and where seeds were lost not even that.
    """
    if lost or not len(first) or not len(second):
        return Difference(*[math.nan] * 4)
    difference = float(np.mean(first) - np.mean(second))
    if explain_untested(first, second):
        return Difference(difference, math.nan, math.nan, math.nan)
    test = welch_test(first, second)
    interval = test.confidence_interval(confidence)
    return Difference(difference, max(-100.0, interval.low), min(100.0, interval.high), float(test.pvalue))


def correct_by_holm(p: pd.Series) -> pd.Series:
    """Holm's correction of p-values for there being many; those that are NaN are no tests and stay so."""
    corrected = pd.Series(math.nan, index=p.index, dtype=float)
    known = p.notna()
    if known.any():
        from statsmodels.stats.multitest import multipletests  # A second to import.

        corrected[known] = multipletests(p[known], alpha=ALPHA, method="holm")[1]
    return corrected


def welch_test(first: np.ndarray, second: np.ndarray, alternative: str = "two-sided") -> Any:
    """SciPy's Welch test of two samples that are not ``untested``."""
    return scipy.stats.ttest_ind(first, second, equal_var=False, alternative=alternative)


def explain_untested(first: np.ndarray, second: np.ndarray, lost: bool = False) -> str:
    """Why two samples are not tested, as the end of a sentence with "since"; empty where they are.

    Args:
        first: accuracies, one per seed.
        second: the second sample, in the same unit.
        lost: whether seeds of either diverged or failed: what is left is a selection.
    """
    if lost:
        return LOST
    if min(len(first), len(second)) < LEAST:
        return FEW
    return "" if does_vary(first) and does_vary(second) else ALIKE


def does_vary(sample: np.ndarray) -> bool:
    """Whether a sample tells of its spread: two values, and not all alike."""
    return len(sample) > 1 and bool(np.ptp(sample) > 0)
