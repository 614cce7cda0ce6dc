"""Exact intervals for a finite population, against scipy's hypergeometric and binomial distributions."""

import pytest
from scipy.stats import binomtest, hypergeom

from analysis.stats.finite import bound_count

SIZE, DRAWN = 40, 12


def test_it_is_the_inversion_of_both_tails() -> None:
    for found in range(DRAWN + 1):
        possible = [
            count
            for count in range(SIZE + 1)
            if hypergeom.sf(found - 1, SIZE, count, DRAWN) > 0.025 and hypergeom.cdf(found, SIZE, count, DRAWN) > 0.025
        ]
        assert bound_count(found, DRAWN, SIZE) == (min(possible), max(possible))


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_it_covers_whatever_is_true(confidence: float) -> None:
    ends = [bound_count(found, DRAWN, SIZE, confidence) for found in range(DRAWN + 1)]
    for count in range(SIZE + 1):
        chances = hypergeom.pmf(range(DRAWN + 1), SIZE, count, DRAWN)
        covered = sum(chance for chance, (low, high) in zip(chances, ends, strict=True) if low <= count <= high)
        assert covered >= confidence


def test_a_large_population_has_the_interval_of_clopper_and_pearson() -> None:
    for found in (0, 3, 20):
        interval = binomtest(found, 20).proportion_ci(0.95, "exact")
        low, high = bound_count(found, 20, 200_000)
        assert (low / 200_000, high / 200_000) == pytest.approx((interval.low, interval.high), abs=5e-4)


def test_a_whole_sample_leaves_no_doubt_and_none_leaves_all() -> None:
    assert bound_count(3, 40, 40) == (3, 3)
    assert bound_count(0, 0, 40) == (0, 40)
