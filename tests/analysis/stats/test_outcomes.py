import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from analysis.stats.outcomes import compare_outcomes, find_wilson, permute, summarize_outcomes
from analysis.stats.samples import Summary, summarize

CHANCE = 10.0


@pytest.mark.parametrize(("count", "among"), [(0, 5), (3, 10), (10, 10), (7, 30)])
def test_wilson_agrees_with_statsmodels(count: int, among: int) -> None:
    assert find_wilson(count, among) == pytest.approx(proportion_confint(count, among, method="wilson"), abs=1e-9)


def test_no_seed_has_no_rate() -> None:
    assert all(map(math.isnan, find_wilson(0, 0)))


def measure_t(first: np.ndarray, second: np.ndarray) -> float:
    found: Any = stats.ttest_ind(first, second, equal_var=False)
    return float(found.statistic)


def test_few_values_are_dealt_in_all_ways() -> None:
    first, second = np.array([97.4, 97.3, 97.5, 97.1, 10.0]), np.array([96.4, 96.6, 96.5, 96.2, 96.1])
    found = permute(first, second)
    values, seen = np.concatenate([first, second]), abs(measure_t(first, second))
    deals = [[*chosen] for chosen in itertools.combinations(range(10), 5)]
    found_t = [abs(measure_t(values[deal], np.delete(values, deal))) for deal in deals]
    assert found == pytest.approx(np.mean(np.array(found_t) >= seen - 1e-9))


def test_the_same_question_has_the_same_answer_and_the_order_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(97, 0.1, 12), rng.normal(96, 0.1, 12)
    assert permute(first, second) == permute(first, second) == 1 / 10_000
    assert permute(second, first) == pytest.approx(permute(first, second), abs=1e-3)


def draw(rng: np.random.Generator, rate: float) -> np.ndarray:
    """Ten seeds near 97, of which a share is at chance."""
    return np.where(rng.random(10) < rate, CHANCE, rng.normal(97, 0.12, 10))


def sum_up(values: np.ndarray) -> Summary:
    return summarize_outcomes(summarize(values[values > 50]), values, CHANCE)


def test_the_intervals_cover_the_means_of_mixtures_and_the_test_keeps_its_level() -> None:
    """Three in ten break down: the mean over all is 97 - 0.3 x 87 = 70.9."""
    rng, times = np.random.default_rng(1), 300
    means, differences, rejected = 0, 0, 0
    for _ in range(times):
        first, second = draw(rng, 0.3), draw(rng, 0.3)
        ours, theirs = sum_up(first), sum_up(second)
        found = compare_outcomes(first, second, ours, theirs)
        means += ours.low <= 70.9 <= ours.high
        differences += found.low <= 0 <= found.high
        rejected += found.p < 0.05
    assert means / times > 0.89  # As Wilson's interval of a rate of 0.3 at n = 10 does: 92 %.
    assert differences / times > 0.93
    assert rejected / times < 0.08


def test_the_interval_of_all_seeds_by_hand() -> None:
    """7 of 10 succeed: Wilson 0.397 to 0.892; at 97 +- 0.1 and chance 10 the mean is 44.5 to 87.7."""
    good = Summary(7, 97.0, 0.1, 96.9, 97.1)
    found = summarize_outcomes(good, [97.0] * 7 + [CHANCE] * 3, CHANCE)
    assert found.n == 10
    assert found.mean == pytest.approx(70.9)
    assert (found.low, found.high) == pytest.approx((44.48, 87.71), abs=0.05)


def test_successes_that_tell_no_spread_bound_nothing() -> None:
    for successes in ([97.0], [97.0] * 5):
        found = summarize_outcomes(summarize(successes), [*successes, 10.0, 10.0], 10.0)
        assert found.low == 10.0 * (1 - find_wilson(len(successes), len(successes) + 2)[0])
        assert found.high > found.mean
