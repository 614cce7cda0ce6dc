import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from analysis.stats.pairs import count_seeds
from analysis.stats.superiority import find_bounds, measure_superiority


def test_the_chance_is_that_of_mann_and_whitney() -> None:
    first, second = np.array([1.0, 3.0, 5.0, 5.0]), np.array([2.0, 3.0, 4.0])
    found = measure_superiority(first, second)
    assert found.chance == pytest.approx(stats.mannwhitneyu(first, second).statistic / 12)
    other = measure_superiority(second, first)
    assert other == pytest.approx((1 - found.chance, 1 - found.chance_high, 1 - found.chance_low))


def test_samples_that_do_not_overlap_still_have_an_interval() -> None:
    low, high = find_bounds(1.0, 10, 10)
    assert (high, 0.7 < low < 0.9) == (1.0, True)
    assert find_bounds(0.0, 10, 10) == pytest.approx((0.0, 1 - low))
    assert all(map(math.isnan, measure_superiority(np.array([]), np.array([1.0]))))


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_interval_covers_the_truth(shift: float) -> None:
    rng, truth, times = np.random.default_rng(0), stats.norm.cdf(shift / math.sqrt(2)), 1000
    found = [measure_superiority(rng.normal(shift, 1, 8), rng.normal(0, 1, 8)) for _ in range(times)]
    covered = sum(each.chance_low <= truth <= each.chance_high for each in found)
    assert covered / times == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(("effect", "alpha"), [(0.5, 0.05), (1.0, 0.05), (1.0, 0.05 / 28), (2.0, 0.05 / 28)])
def test_the_seeds_needed_are_those_of_statsmodels(effect: float, alpha: float) -> None:
    expected = TTestIndPower().solve_power(effect, alpha=alpha, power=0.8)
    assert count_seeds(effect, math.sqrt(2), alpha) == pytest.approx(math.ceil(expected), abs=1)


def test_no_difference_needs_no_end_of_seeds() -> None:
    assert count_seeds(0.0, 1.0) == math.inf
    assert count_seeds(100.0, 1.0) == 5
