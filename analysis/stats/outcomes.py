"""Seeds that break down: how many succeed, and what all of them together say of the mean."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np
import scipy

from analysis.stats.samples import ALPHA, Difference, Summary, summarize

BROKEN = "seeds broke down"
DRAWS = 9999
"""Permutations, where all of them are more."""


def find_wilson(count: int, among: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate; NaN of none."""
    if not among:
        return math.nan, math.nan
    squared = float(scipy.special.ndtri(ALPHA / 2)) ** 2
    rate, weight = count / among, 1 + squared / among
    half = math.sqrt(squared * (rate * (1 - rate) + squared / (4 * among)) / among) / weight
    middle = (rate + squared / (2 * among)) / weight
    return max(0.0, middle - half), min(1.0, middle + half)


def summarize_outcomes(succeeded: Summary, values: Iterable[float], broken: float) -> Summary:
    """Sums up all seeds; some of them broke down, or may.

    The sample is a mixture of two heaps far apart, whose mean Student's t does not describe: what is not known is
    mostly how many break down. The interval takes the lower ends of the success rate (Wilson) and of the mean of the
    successful together, and the upper ones. Where the successful do not tell their spread, their mean may be anything.

    Args:
        succeeded: of the seeds that succeeded.
        values: accuracies in percent of all seeds.
        broken: what a seed that breaks down scores, in percent.
    """
    found = summarize(values)
    rates = find_wilson(succeeded.n, found.n)
    means = (0.0, 100.0) if math.isnan(succeeded.low) else (succeeded.low, succeeded.high)
    low, high = (rate * mean + (1 - rate) * broken for rate, mean in zip(rates, means, strict=True))
    return found._replace(low=max(0.0, min(low, found.mean)), high=min(100.0, max(high, found.mean)))


def compare_outcomes(first: np.ndarray, second: np.ndarray, ours: Summary, theirs: Summary) -> Difference:
    """Compares two samples, one of them with seeds that broke down.

    Welch's test takes neither for a mixture, so p is of a permutation test of Welch's statistic (Janssen, 1997), exact
    where the two networks have one distribution. The interval is made of those of the two means (MOVER; Zou and
    Donner, 2008).

    Args:
        first: accuracies in percent, one per seed.
        second: the same of the second.
        ours: sums up the first by ``summarize_outcomes``, also where no seed of it broke down: seeds of it may.
        theirs: the same of the second.
    """
    difference = float(first.mean() - second.mean())
    low = difference - math.hypot(ours.mean - ours.low, theirs.high - theirs.mean)
    high = difference + math.hypot(ours.high - ours.mean, theirs.mean - theirs.low)
    return Difference(difference, max(-100.0, low), min(100.0, high), permute(first, second))


def permute(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p of Welch's statistic among those of all ways to deal the values to the two samples, or ``DRAWS``."""
    values, n = np.concatenate([first, second]), len(first)
    if math.comb(len(values), n) <= DRAWS:
        chosen = np.array(list(itertools.combinations(range(len(values)), n)))
        mask = np.zeros((len(chosen), len(values)), dtype=bool)
        np.put_along_axis(mask, chosen, True, axis=1)
        dealt, spare = np.stack([np.concatenate([values[row], values[~row]]) for row in mask]), 0
    else:
        dealt, spare = np.random.default_rng(0).permuted(np.tile(values, (DRAWS, 1)), axis=1), 1
    found, seen = _measure(dealt[:, :n], dealt[:, n:]), _measure(first[None], second[None])
    return float(((found >= seen * (1 - 1e-9)).sum() + spare) / (len(found) + spare))


def _measure(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The size of Welch's statistic, row by row."""
    apart = np.abs(first.mean(1) - second.mean(1))
    error = np.sqrt(sum(part.var(1, ddof=1) / part.shape[1] for part in (first, second)))
    return np.divide(apart, error, out=np.where(apart > 0, np.inf, 0.0), where=error > 0)
