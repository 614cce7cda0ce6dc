"""Is a published number reproduced? An equivalence test (TOST) of our seeds against the published mean and std."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy

from analysis.stats.samples import ALPHA, explain_untested, measure_difference, welch

MARGIN = 0.5
"""Points of accuracy within which two means count as the same, unless asked otherwise."""
PUBLISHED_SEEDS = 10


class Equivalence(NamedTuple):
    """What our sample says of a published one.

    Attributes:
        difference: our mean minus the published one, in points; none where seeds of ours were lost.
        low: the lower end of its 90 % interval, which lies within the margin exactly where the TOST is significant.
        high: the upper end.
        p_equivalent: of the TOST: the larger of its two one-sided p-values.
        p_differs: of Welch's two-sided test.
        conclusion: ``reproduced`` where the TOST is significant at 5 %: the difference is smaller than the margin, be
            it zero or not; else ``differs`` where Welch's test is; else ``inconclusive``. ``not tested`` where there is
            no test.
        untested: why there is none; empty where there is.
    """

    difference: float
    low: float
    high: float
    p_equivalent: float
    p_differs: float
    conclusion: str
    untested: str


def equivalence(
    ours: np.ndarray, mean: float, std: float, n: int = PUBLISHED_SEEDS, margin: float = MARGIN, lost: bool = False
) -> Equivalence:
    """Tests two one-sided hypotheses (Schuirmann's TOST, in Welch's form for unequal variances).

    Args:
        ours: test accuracies in percent, one per seed.
        mean: the published mean in percent.
        std: the published standard deviation.
        n: the published number of seeds.
        margin: the difference in points that does not matter.
        lost: whether seeds of ours diverged or failed. What is left is a selection, so it is not tested.
    """
    theirs = make_sample_like(mean, std, n)
    found = welch(ours, theirs, confidence=1 - 2 * ALPHA, lost=lost)
    if why := explain_untested(ours, theirs, lost):
        return Equivalence(found.difference, found.low, found.high, math.nan, found.p, "not tested", why)
    tails = []
    for sign in (1, -1):
        apart, error, freedom = measure_difference(ours, theirs - sign * margin)
        tails.append(scipy.special.stdtr(freedom, -sign * apart / error))
    p = float(np.max(tails))  # Python's max would take a NaN for less than any number.
    conclusion = "reproduced" if p < ALPHA else "differs" if found.p < ALPHA else "inconclusive"
    return Equivalence(found.difference, found.low, found.high, p, found.p, conclusion, "")


def is_settled(difference: float, std: float, margin: float = MARGIN) -> bool:
    """Whether any number of seeds of ours would end in a conclusion, if the difference stays as it is.

    However many ours are, the published mean keeps its own error, with the degrees of freedom of its seeds.
    """
    limits = -scipy.special.stdtrit(PUBLISHED_SEEDS - 1, [ALPHA, ALPHA / 2])
    once, twice = limits * (std / math.sqrt(PUBLISHED_SEEDS))
    return bool(margin - abs(difference) > once or abs(difference) > twice)


def make_sample_like(mean: float, std: float, n: int) -> np.ndarray:
    """A sample with exactly this mean, standard deviation (ddof = 1) and size, which is all that a t-test sees."""
    positions = np.arange(n) - (n - 1) / 2
    return mean + positions * (std / positions.std(ddof=1))
