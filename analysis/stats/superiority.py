"""How probable is it that a seed of one network beats a seed of another?"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy

from analysis.stats.samples import ALPHA

TINY = 1e-9


class Superiority(NamedTuple):
    """The probability that a random value of the first sample is larger than one of the second; a tie counts half.

    Attributes:
        chance: that of the samples.
        chance_low: the lower end of its 95 % interval.
        chance_high: the upper end.
    """

    chance: float = math.nan
    chance_low: float = math.nan
    chance_high: float = math.nan


def measure_superiority(first: np.ndarray, second: np.ndarray) -> Superiority:
    """P(A > B) with Newcombe's interval (2006, part 2, method 5); NaN where a sample is empty.

    It inverts the score test with the variance of Hanley and McNeil, in which both sizes but those of the denominator
    are their mean. Unlike an interval of the estimated variance (Brunner and Munzel, DeLong) it has a width where one
    sample lies wholly above the other, which is what few seeds often show.
    """
    if not len(first) or not len(second):
        return Superiority()
    chance = float(np.mean((np.sign(np.subtract.outer(first, second)) + 1) / 2))
    return Superiority(chance, *find_bounds(chance, len(first), len(second)))


def find_bounds(chance: float, first: int, second: int) -> tuple[float, float]:
    """Newcombe's 95 % interval of a probability of superiority from two samples of these sizes."""
    quantile = float(-scipy.special.ndtri(ALPHA / 2))
    more = (first + second) / 2 - 1

    def measure_excess(true: float) -> float:
        spread = true * (1 - true) * (1 + more * ((1 - true) / (2 - true) + true / (1 + true))) / (first * second)
        return abs(chance - true) - quantile * math.sqrt(spread)

    # At 0 and 1 the spread is nothing, which is a root of no meaning.
    low = 0.0 if chance == 0 else scipy.optimize.brentq(measure_excess, 0.0, min(chance, 1 - TINY))
    high = 1.0 if chance == 1 else scipy.optimize.brentq(measure_excess, max(chance, TINY), 1.0)
    return float(low), float(high)  # type: ignore[arg-type]
