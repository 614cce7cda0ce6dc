"""How large a difference a comparison would have found: the exact power of Welch's test."""

from __future__ import annotations

import math

import numpy as np
import scipy

from analysis.stats.samples import ALPHA, does_vary

POWER = 0.8
NODES = 64
"""Of the quadrature over each sample's variance; with 256 of them the difference moves by less than 1 %."""


def compute_detectable(first: np.ndarray, second: np.ndarray, alpha: float = ALPHA, power: float = POWER) -> float:
    """The true difference that Welch's test finds with the given power, at these sizes and spreads.

    Given both variances the difference of the means is normal, and independent of the two variances measured, which
    are chi-squared: what remains is an integral over these two. A noncentral t with Welch's degrees of freedom is an
    approximation of that, and a bad one for two or three seeds.

    Returns:
        In the unit of the samples; NaN where the test does not know both spreads.
    """
    if not (does_vary(first) and does_vary(second)):
        return math.nan
    (ours, weights), (theirs, others) = (_compute_variance_of_mean(sample) for sample in (first, second))
    ours, weights = ours[:, None], weights[:, None] * others
    freedom = (ours + theirs) ** 2 / (ours**2 / (len(first) - 1) + theirs**2 / (len(second) - 1))
    limit = scipy.stats.t.isf(alpha / 2, freedom) * np.sqrt(ours + theirs)
    error = math.sqrt(np.var(first, ddof=1) / len(first) + np.var(second, ddof=1) / len(second))

    def measure_lack(difference: float) -> float:
        found = scipy.stats.norm.sf((limit - difference) / error) + scipy.stats.norm.cdf((-limit - difference) / error)
        return float((weights * found).sum()) - power

    most = error
    while measure_lack(most) < 0:
        most *= 2
    return float(scipy.optimize.brentq(measure_lack, 0.0, most))  # type: ignore[arg-type]


def _compute_variance_of_mean(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the estimated variance of the mean would be over again, as quantiles with weights that sum to 1."""
    places, weights = np.polynomial.legendre.leggauss(NODES)
    spread = scipy.stats.chi2.ppf((places + 1) / 2, len(sample) - 1) / (len(sample) - 1)
    return spread * np.var(sample, ddof=1) / len(sample), weights / 2
