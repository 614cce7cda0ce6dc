"""Mean, spread and confidence of a few repeated measurements."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


class Summary(NamedTuple):
    """A sample in five numbers; those that the sample is too small for are NaN.

    Attributes:
        n: how many values.
        mean: their mean.
        std: their standard deviation (ddof = 1); NaN for fewer than two values.
        low: the lower end of the 95 % Student-t confidence interval of the mean.
        high: the upper end.
    """

    n: int
    mean: float
    std: float
    low: float
    high: float


def summarise(values: Iterable[float]) -> Summary:
    """Sums up a sample, in the unit of its values."""
    sample = np.asarray(list(values), dtype=float)
    n = len(sample)
    mean = float(sample.mean()) if n else math.nan
    if n < 2:
        return Summary(n, mean, math.nan, math.nan, math.nan)
    std = float(sample.std(ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * std / math.sqrt(n)
    return Summary(n, mean, std, mean - half, mean + half)
