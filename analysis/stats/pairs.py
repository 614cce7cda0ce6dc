"""Which architectures differ: Welch's test of every pair, corrected for there being many; and what would have shown."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import scipy

from analysis.stats.outcomes import compare_outcomes
from analysis.stats.samples import (
    ALPHA,
    LEAST,
    Difference,
    Summary,
    compare_by_welch,
    correct_by_holm,
    does_vary,
    explain_untested,
)

COLUMNS = ["first", "second", *Difference._fields, "p_holm", "g", "differs", "detectable", "untested"]
POWER = 0.8
SMALL = 1e-6  # Points of accuracy: two equal means may differ by their rounding.
NODES = 64
"""Of the quadrature over each sample's variance; with 256 of them the detectable difference moves by less than 1 %."""


def compare_pairs(
    samples: Mapping[str, np.ndarray],
    lost: Collection[str] = (),
    broken: Collection[str] = (),
    guarded: Mapping[str, Summary] | None = None,
) -> pd.DataFrame:
    """Compares every two samples: all of them together are one family of tests.

    Args:
        samples: group -> test accuracies in percent, one per seed.
        lost: the groups with failed seeds. What is left of them is a selection, so they are not tested.
        broken: the groups with seeds that broke down. A pair with one of them is compared by
            ``compare_outcomes``, since
            Welch's test takes no mixtures; its effect has no size.
        guarded: sums up every group by ``summarize_outcomes``; needed where there are broken ones.

    Returns:
        One row for each pair in the order of the samples: ``first`` and ``second``; ``difference`` of
        the means in points, none where seeds were lost, with its 95 % interval ``low`` to ``high`` (Welch, of this
        pair alone); Welch's ``p``; ``p_holm``, corrected over all pairs that were tested (Holm); Hedges' ``g``;
        whether it ``differs`` at 5 % after the correction; and why it is ``untested``, empty where it was tested. NaN
        where undefined.
    """
    rows = []
    for (first, ours), (second, theirs) in itertools.combinations(samples.items(), 2):
        some = bool({first, second} & set(lost))
        why = explain_untested(ours, theirs, some)
        if guarded and not why and {first, second} & set(broken):
            rows.append(
                (first, second, *compare_outcomes(ours, theirs, guarded[first], guarded[second]), math.nan, why)
            )
            continue
        g = math.nan if why else _compute_effect(ours, theirs)
        rows.append((first, second, *compare_by_welch(ours, theirs, lost=some), g, why))
    frame = pd.DataFrame(rows, columns=["first", "second", *Difference._fields, "g", "untested"])
    frame = frame.astype(dict.fromkeys([*Difference._fields, "g"], float))
    frame = frame.assign(p_holm=correct_by_holm(frame["p"]), differs=lambda frame: frame["p_holm"] < ALPHA)
    return frame[[name for name in COLUMNS if name in frame]]


def add_detectable(compared: pd.DataFrame, samples: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Adds to ``compare_pairs`` the ``detectable`` difference of each pair.

    These seeds would have shown it with a probability of 80 % at 5 % divided by the number of tests, the strictest
    level that Holm can ask for.
    """
    level = ALPHA / max(1, count_tests(compared))
    found = [
        math.nan if math.isnan(g) else compute_detectable(samples[first], samples[second], level)
        for first, second, g in zip(compared["first"], compared["second"], compared["g"], strict=True)
    ]
    return compared.assign(detectable=np.array(found, float))[COLUMNS]


def count_tests(compared: pd.DataFrame) -> int:
    """How many tests a family of pairs holds."""
    return int(compared["p"].notna().sum())


def _compute_effect(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Hedges' g: the difference in units of the pooled standard deviation, corrected for small samples."""
    free = len(ours) + len(theirs) - 2
    pooled = sum(sample.std(ddof=1) ** 2 * (len(sample) - 1) for sample in (ours, theirs)) / free
    return float((1 - 3 / (4 * (free + 2) - 9)) * ((ours.mean() - theirs.mean()) / np.sqrt(pooled)))


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
    places, weights = np.polynomial.legendre.leggauss(NODES)
    sizes = (len(first) - 1, len(second) - 1)
    ours, theirs = (  # What the variances of both means may be measured as: quantiles, which the weights are for.
        2 * scipy.special.gammaincinv(free / 2, (places + 1) / 2) / free * np.var(sample, ddof=1) / len(sample)
        for sample, free in zip((first, second), sizes, strict=True)
    )
    ours, weights = ours[:, None], weights[:, None] / 2 * (weights / 2)
    freedom = (ours + theirs) ** 2 / (ours**2 / sizes[0] + theirs**2 / sizes[1])
    limit = -scipy.special.stdtrit(freedom, alpha / 2) * np.sqrt(ours + theirs)
    error = most = math.sqrt(np.var(first, ddof=1) / len(first) + np.var(second, ddof=1) / len(second))

    def measure_lack(difference: float) -> float:
        found = scipy.special.ndtr([(difference - limit) / error, (-limit - difference) / error]).sum(axis=0)
        return float((weights * found).sum()) - power

    while measure_lack(most) < 0:
        most *= 2
    return float(scipy.optimize.brentq(measure_lack, 0.0, most))  # type: ignore[arg-type]


def count_seeds(difference: float, spread: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """How many seeds of each of two networks would show a difference, approximately.

    Args:
        difference: the true one, not negative.
        spread: the root of the sum of both variances, in the same unit.
        alpha: the level of the test.
        power: how probable it is to be shown.

    Returns:
        At least ``LEAST``; infinite for no difference. By Student's t with 2 (n - 1) degrees of freedom in place of the
        exact power: one seed too few at most.
    """
    if difference <= SMALL:
        return math.inf

    def is_enough(n: int) -> bool:
        free = 2 * (n - 1)
        reach = float(-scipy.special.stdtrit(free, alpha / 2) - scipy.special.stdtrit(free, 1 - power))
        return (reach * spread / difference) ** 2 <= n

    high = LEAST
    while not is_enough(high):
        high *= 2
    return float(bisect.bisect_left(range(high), True, lo=LEAST, key=is_enough))
