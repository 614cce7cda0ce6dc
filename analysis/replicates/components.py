"""How much of an answer's variance is due to the split, the search and the seeds: analysis of variance, nested.

Seeds lie within searches, and searches within splits. y = mean + split + search + seed, each random with a variance
component of its own (Searle, Casella and McCulloch, Variance Components, 1992, chapters 3 and 5: the estimators of the
analysis of variance for unbalanced nested data). What they call replicates are the reruns here. Bouthillier et al.
(Accounting for Variance in Machine Learning Benchmarks, MLSys 2021) ask which of these sources an experiment varied.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import scipy  # Only scipy.special, as in ``analysis.stats.samples``.

from analysis.stats.samples import ALPHA, CONFIDENCE, Difference, does_vary


class Components(NamedTuple):
    """Variances in squared points; NaN where the design does not tell, and negative where the estimate is.

    Attributes:
        split: between splits.
        search: between searches of one split; where no split has two, between searches, splits included (``joint``).
        seed: between the seeds of one search.
        split_freedom: degrees of freedom of the mean square on which ``split`` rests.
        search_freedom: the same for ``search``.
        seed_freedom: the same for ``seed``.
        joint: whether ``search`` is that of both together.
    """

    split: float
    search: float
    seed: float
    split_freedom: int
    search_freedom: int
    seed_freedom: int
    joint: bool


def estimate_components(samples: Sequence[np.ndarray], splits: Sequence[Hashable]) -> Components:
    """Estimates the components by equating mean squares with what they are expected to be.

    Args:
        samples: of each search, what its seeds scored in percent.
        splits: of each search, its split.
    """
    labels = list(dict.fromkeys(splits))
    sizes = np.array([len(sample) for sample in samples], dtype=float)
    means = np.array([sample.mean() for sample in samples])
    groups = [np.array([split == label for split in splits]) for label in labels]
    total, searches, several = sizes.sum(), len(samples), len(labels)
    within = [sizes[group].sum() for group in groups]
    middle = [np.average(means[group], weights=sizes[group]) for group in groups]

    seed_freedom = int(total) - searches
    residual = sum(float(((sample - sample.mean()) ** 2).sum()) for sample in samples)
    seed = residual / seed_freedom if seed_freedom else math.nan

    # How often a search's part counts in the mean square of its split, and in that of all.
    held = sum((sizes[group] ** 2).sum() / size for group, size in zip(groups, within, strict=True))
    whole = (sizes**2).sum() / total
    joint = several == searches
    if joint or several == 1:  # One level above the seeds.
        square = float((sizes * (means - np.average(means, weights=sizes)) ** 2).sum())
        search = _solve(square, searches - 1, total - whole, seed)
        return Components(math.nan, search, seed, 0, searches - 1, seed_freedom, joint and several > 1)
    square = sum(
        float((sizes[group] * (means[group] - mean) ** 2).sum()) for group, mean in zip(groups, middle, strict=True)
    )
    search = _solve(square, searches - several, total - held, seed)
    centre = float(np.average(means, weights=sizes))
    square = sum(size * (mean - centre) ** 2 for size, mean in zip(within, middle, strict=True))
    split = _solve(square, several - 1, total - sum(size**2 for size in within) / total, seed, (held - whole) * search)
    return Components(split, search, seed, several - 1, searches - several, seed_freedom, False)


def _solve(square: float, freedom: int, weight: float, seed: float, other: float = 0.0) -> float:
    """The component for which the expected sum of squares is ``freedom * seed + other + weight * component``."""
    return (square - freedom * seed - other) / weight if freedom else math.nan


def measure_mean(values: np.ndarray) -> Difference:
    """The mean of independent values, with its Student-t interval and the p-value that it is 0.

    The interval is neither cut off nor given where the values do not vary.
    """
    n, mean = len(values), float(np.mean(values))
    if not does_vary(values):
        return Difference(mean)
    error = float(np.std(values, ddof=1)) / math.sqrt(n)
    half = error * float(scipy.special.stdtrit(n - 1, (1 + CONFIDENCE) / 2))
    return Difference(mean, mean - half, mean + half, 2 * float(scipy.special.stdtr(n - 1, -abs(mean) / error)))


def find_factors(freedom: int) -> tuple[float, float]:
    """Between which factors of its estimate a standard deviation of normal values lies, with 95 % confidence.

    >>> tuple(round(factor, 2) for factor in find_factors(9))
    (0.69, 1.83)
    """
    low, high = (float(scipy.special.chdtri(freedom, tail)) for tail in (ALPHA / 2, 1 - ALPHA / 2))
    return math.sqrt(freedom / low), math.sqrt(freedom / high)
