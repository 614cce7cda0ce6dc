"""What a sample tells of a population that is finite and known to be so: how many of it have a property."""

from __future__ import annotations

import numpy as np
import scipy

from analysis.stats.samples import CONFIDENCE


def bound_count(found: int, drawn: int, size: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The exact interval of how many of a population have a property that so many of a sample have.

    The sample is drawn without replacement, so the count is hypergeometric; both tails are inverted, as Clopper and
    Pearson (1934) do for the binomial distribution; this is the form for a finite population.

    Args:
        found: how many of the sample have the property.
        drawn: size of the sample.
        size: size of the population.
        confidence: that the interval has at least.

    Returns:
        The least and the most of the population that have it; both are certain once all were drawn.
    """
    counts = np.arange(found, size - (drawn - found) + 1)  # Others cannot be.
    tail = (1 - confidence) / 2
    drawable = np.arange(drawn + 1)
    chances = np.exp(
        _log_choose(counts[:, None], drawable)
        + _log_choose(size - counts[:, None], drawn - drawable)
        - _log_choose(np.array(size), np.array(drawn))
    )
    at_least, at_most = chances[:, found:].sum(axis=1), chances[:, : found + 1].sum(axis=1)
    possible = counts[(at_least > tail) & (at_most > tail)]
    return int(possible.min()), int(possible.max())


def _log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The logarithm of how many ways there are to draw k of n; minus infinity where there is none."""
    gammaln = scipy.special.gammaln
    with np.errstate(invalid="ignore", divide="ignore"):
        ways = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return np.where((k >= 0) & (k <= n), ways, -np.inf)
