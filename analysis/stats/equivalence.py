"""Is a published number reproduced? An equivalence test (TOST) of our seeds against the published mean and std."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy

from analysis.stats.samples import ALPHA, explain_untested

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
        least_margin: the smallest margin at which the TOST is significant: the farther end of the interval.
        conclusion: ``reproduced`` where the TOST is significant at 5 %: the difference is smaller than the margin;
            ``close but different`` where Welch's test is, too: it is not zero; ``differs`` where only Welch's test is;
            else ``inconclusive``. ``not tested`` where there is no test.
        untested: why there is none; empty where there is.
    """

    difference: float
    low: float
    high: float
    p_equivalent: float
    p_differs: float
    least_margin: float
    conclusion: str
    untested: str


EMPTY = Equivalence(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, "not tested", "")


class Moments(NamedTuple):
    """The known facts about a published sample."""

    mean: float
    std: float
    n: int = PUBLISHED_SEEDS


def judge_equivalence(
    ours: np.ndarray,
    mean: float,
    std: float,
    n: int = PUBLISHED_SEEDS,
    margin: float = MARGIN,
    lost: bool = False,
    untested: str = "",
) -> Equivalence:
    """Tests two one-sided hypotheses (Schuirmann's TOST, in Welch's form for unequal variances).

    Args:
        ours: test accuracies in percent, one per seed.
        mean: the published mean in percent.
        std: the published standard deviation.
        n: the published number of seeds.
        margin: the difference in points that does not matter.
        lost: whether seeds of ours are lost. What is left is a selection, so it is not tested.
        untested: why else there is no test, such as ``outcomes.BROKEN``.
    """
    theirs = make_sample_like(mean, std, n)
    return judge_contrast([(1, ours), (-1, theirs)], margin, explain_untested(ours, theirs, lost) or untested, lost)


def compare_gaps(
    ours: tuple[np.ndarray, np.ndarray],
    theirs: tuple[Moments, Moments],
    margin: float = MARGIN,
    lost: bool = False,
    untested: str = "",
) -> Equivalence:
    """Our difference of two networks against the published difference: a contrast of four means.

    Args:
        ours: test accuracies in percent of the two, one per seed.
        theirs: the same two as published.
        margin: the difference of the differences in points that does not matter.
        lost: whether seeds of ours are lost.
        untested: as for ``judge_equivalence``.
    """
    first, second = (make_sample_like(*each) for each in theirs)
    terms = [(1, ours[0]), (-1, ours[1]), (-1, first), (1, second)]
    why = explain_untested(*ours, lost) or explain_untested(first, second) or untested
    return judge_contrast(terms, margin, why, lost)


def judge_contrast(
    terms: Sequence[tuple[int, np.ndarray]], margin: float, untested: str = "", lost: bool = False
) -> Equivalence:
    """TOST and Welch's test of a sum of signed means, with the degrees of freedom of Welch and Satterthwaite.

    Args:
        terms: sign and sample of each.
        margin: the amount of the sum that does not matter.
        untested: why nothing is tested; empty where something is.
        lost: whether not even the sum is known.
    """
    if lost or not all(len(sample) for _, sample in terms):
        return EMPTY._replace(untested=untested)
    difference = float(sum(sign * np.mean(sample) for sign, sample in terms))
    if untested:
        return EMPTY._replace(difference=difference, untested=untested)
    variances = np.array([np.var(sample, ddof=1) / len(sample) for _, sample in terms])
    frees = np.array([len(sample) - 1 for _, sample in terms])
    error, freedom = math.sqrt(variances.sum()), variances.sum() ** 2 / (variances**2 / frees).sum()
    reach = error * float(scipy.special.stdtrit(freedom, 1 - ALPHA))
    tails = scipy.special.stdtr(freedom, (np.array([-1, 1]) * difference - margin) / error)
    p_equivalent, p_differs = float(tails.max()), float(2 * scipy.special.stdtr(freedom, -abs(difference) / error))
    low, high = max(-100.0, difference - reach), min(100.0, difference + reach)
    return Equivalence(
        difference, low, high, p_equivalent, p_differs, max(-low, high), conclude(p_equivalent, p_differs), ""
    )


def conclude(p_equivalent: float, p_differs: float) -> str:
    """The conclusion at 5 % from the two p-values, see ``Equivalence``."""
    if p_equivalent < ALPHA:
        return "close but different" if p_differs < ALPHA else "reproduced"
    return "differs" if p_differs < ALPHA else "inconclusive"


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
