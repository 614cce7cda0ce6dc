"""Mean, spread and confidence of a few repeated measurements, and Welch's test between two such samples."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy  # Only scipy.special, which loads fast: scipy.stats takes longer than pandas.

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
LEAST = 5
"""Finished seeds below which nothing is tested: with fewer Welch's test errs more often than it says."""

LOST = "seeds were lost"
FEW = f"a test takes {LEAST} finished seeds"
ALIKE = "seeds that are all alike tell of no spread"


class Summary(NamedTuple):
    """A sample in a few numbers; those that it is too small for are NaN.

    Attributes:
        n: how many values.
        mean: their mean.
        std: their standard deviation (ddof = 1); NaN for fewer than two values.
        low: the lower end of the 95 % confidence interval of the mean (Student-t); NaN where all values are alike:
            then the spread lies below what the measurement resolves, which is not a spread of zero.
        high: the upper end.
        best: the largest value.
        worst: the smallest value.
    """

    n: int
    mean: float = math.nan
    std: float = math.nan
    low: float = math.nan
    high: float = math.nan
    best: float = math.nan
    worst: float = math.nan

    def join(self, other: Summary) -> Summary:
        """This one with an interval that spans both: of the last epochs, and of the same seeds' last five.

        Where a few epochs in a hundred dip, most samples of ten last epochs show no dip or too few, and Student's t
        covers the mean in 78 of 100 experiments; the means of five epochs see five times as many. Where accuracy still
        rises the last epoch is right and the five are too low. results/benchmarks/coverage.md has the simulation.
        """
        return self._replace(low=float(np.fmin(self.low, other.low)), high=float(np.fmax(self.high, other.high)))


def summarize(values: Iterable[float]) -> Summary:
    """Sums up a sample of accuracies in percent, so no interval leaves 0 to 100."""
    sample = np.asarray(list(values), dtype=float)
    n = len(sample)
    if not n:
        return Summary(0)
    found = Summary(n, float(sample.mean()), best=float(sample.max()), worst=float(sample.min()))
    if not does_vary(sample):
        return found._replace(std=math.nan if n < 2 else 0.0)
    std = float(sample.std(ddof=1))
    half = float(scipy.special.stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * std / math.sqrt(n)
    return found._replace(std=std, low=max(0.0, found.mean - half), high=min(100.0, found.mean + half))


class Difference(NamedTuple):
    """Welch's comparison of two samples; all but the difference are NaN where it is undefined.

    Attributes:
        difference: mean of the first minus mean of the second.
        low: the lower end of the confidence interval of the difference.
        high: the upper end.
        p: two-sided p-value of Welch's test that the means are equal.
    """

    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan

    def clip(self, least: float) -> Difference:
        """With an interval from ``least`` to 100 at most; one that is not known stays so.

        >>> Difference(99.0, 97.5, 100.5).clip(0.0), Difference(99.0).clip(0.0).low
        (Difference(difference=99.0, low=97.5, high=100.0, p=nan), nan)
        """
        low, high = np.clip([self.low, self.high], least, 100.0).tolist()
        return self._replace(low=low, high=high)


def compare_by_welch(
    first: np.ndarray, second: np.ndarray, confidence: float = CONFIDENCE, lost: bool = False
) -> Difference:
    """Compares two mean accuracies in percent without assuming equal variances (Welch's t-test).

    Where they are ``untested`` there is only the difference, and where seeds were lost not even that.
    """
    if lost or not len(first) or not len(second):
        return Difference()
    if explain_untested(first, second):
        return Difference(float(np.mean(first) - np.mean(second)))
    difference, error, freedom = measure_difference(first, second)
    low, high = difference + error * scipy.special.stdtrit(freedom, [(1 - confidence) / 2, 1 - (1 - confidence) / 2])
    p = 2 * scipy.special.stdtr(freedom, -abs(difference / error))
    return Difference(difference, float(low), float(high), float(p)).clip(-100.0)


def measure_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """The difference of two means, its standard error, and Welch's degrees of freedom."""
    ours, theirs = (np.var(sample) * (len(sample) / (len(sample) - 1)) / len(sample) for sample in (first, second))
    freedom = (ours + theirs) ** 2 / (ours**2 / (len(first) - 1) + theirs**2 / (len(second) - 1))
    return float(np.mean(first) - np.mean(second)), math.sqrt(ours + theirs), float(freedom)


def correct_by_holm(p: pd.Series) -> pd.Series:
    """Holm's correction of p-values for there being many; those that are NaN are no tests and stay so."""
    known = p.dropna().sort_values()
    corrected = (known * np.arange(len(known), 0, -1)).cummax()
    return corrected.where(corrected < 1, 1.0).reindex(p.index)


def explain_untested(first: np.ndarray, second: np.ndarray, lost: bool = False) -> str:
    """Why two samples are not tested, as the end of a sentence with "since"; empty where they are.

    Args:
        first: accuracies, one per seed.
        second: the second sample, in the same unit.
        lost: whether seeds of either are lost: what is left is a selection.
    """
    if lost:
        return LOST
    if min(len(first), len(second)) < LEAST:
        return FEW
    return "" if does_vary(first) and does_vary(second) else ALIKE


def does_vary(sample: np.ndarray) -> bool:
    """Whether a sample tells of its spread: two values, and not all alike."""
    return len(sample) > 1 and bool(np.ptp(sample) > 0)
