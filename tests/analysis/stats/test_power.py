"""The detectable difference against R, the noncentral t and simulated trials of the test itself."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.equivalence import make_sample_like
from analysis.stats.pairs import compute_detectable

TRIALS = 20_000


@pytest.mark.parametrize(
    ("n", "power", "delta"),
    [(20, 0.8689528, 1.0), (64, 0.8014596, 0.5), (17, 0.8070367, 1.0)],
)
def test_r_documents_it_for_equal_spreads(n, power, delta) -> None:
    """R's help of power.t.test: n = 20, delta = 1 has power 0.8689528; the others are Cohen's, Table 2.4.1.

    R's are of the pooled test; Welch's loses a little by the degrees of freedom, here less than half a percent.
    """
    found = compute_detectable(make_sample_like(0, 1, n), make_sample_like(0, 1, n), power=power)
    assert delta < found < 1.005 * delta


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [
        ((0.15, 5), (0.88, 5), 0.05 / 28),
        ((0.12, 10), (0.21, 10), 0.05),
        ((1.0, 2), (1.0, 2), 0.05),
        ((0.64, 2), (0.12, 10), 0.05 / 28),
        ((1.0, 2), (3.0, 40), 0.05),
        ((1.0, 3), (1.0, 3), 0.05 / 28),
    ],
)
def test_so_large_a_difference_is_found_four_times_in_five(first, second, alpha) -> None:
    """Welch's test by SciPy on 20,000 drawn pairs: the binomial 99.9 % range of 0.8 is 0.7907 to 0.8093."""
    found = compute_detectable(make_sample_like(97, *first), make_sample_like(96, *second), alpha)
    random = np.random.default_rng(5)
    ours, theirs = random.normal(found, first[0], (TRIALS, first[1])), random.normal(0, second[0], (TRIALS, second[1]))
    p = stats.ttest_ind(ours, theirs, equal_var=False, axis=1).pvalue  # type: ignore[attr-defined]
    assert 0.7907 < (p < alpha).mean() < 0.8093


def test_many_seeds_are_as_the_noncentral_t_says() -> None:
    """With 40 seeds each Welch's degrees of freedom hardly vary, and the power is that of a noncentral t."""
    found = compute_detectable(make_sample_like(0, 0.3, 40), make_sample_like(0, 0.6, 40))
    error = math.sqrt(0.45 / 40)
    freedom = 0.45**2 / ((0.09**2 + 0.36**2) / 39)
    limit = stats.t.isf(0.025, freedom)
    assert stats.nct.sf(limit, freedom, found / error) == pytest.approx(0.8, abs=0.002)


def test_the_unit_is_that_of_the_samples_and_the_order_does_not_matter() -> None:
    first, second = np.array([97.1, 97.4, 97.2]), np.array([96.0, 96.5, 96.1, 96.2])
    found = compute_detectable(first, second)
    assert compute_detectable(second + 1, first) == pytest.approx(found)
    assert compute_detectable(10 * first, 10 * second) == pytest.approx(10 * found)
    assert compute_detectable(first, second, 0.001) > found


@pytest.mark.parametrize("other", [[], [97.0], [97.0, 97.0]])
def test_without_a_spread_there_is_none(other) -> None:
    assert math.isnan(compute_detectable(np.array([96.0, 97.0]), np.array(other)))
