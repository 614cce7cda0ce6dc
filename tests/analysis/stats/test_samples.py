import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.stats.samples import compare_by_welch, correct_by_holm, summarize

VALUES = st.lists(st.floats(0, 100), min_size=2, max_size=20)


def test_a_small_sample_by_hand() -> None:
    # mean 92, squares 4 + 0 + 4 over 2; t(0.975, 2) = 4.302653 from a printed table; half = 4.302653 * 2 / sqrt(3)
    summary = summarize([90.0, 92.0, 94.0])
    assert summary[:3] == (3, 92.0, 2.0)
    assert summary.low == pytest.approx(92 - 4.968275, abs=1e-5)
    assert summary.high == pytest.approx(92 + 4.968275, abs=1e-5)
    assert (summary.best, summary.worst) == (94.0, 90.0)


@given(VALUES)
def test_agrees_with_the_standard_library_and_scipy(values) -> None:
    summary = summarize(values)
    assert summary.n == len(values)
    assert summary.mean == pytest.approx(statistics.fmean(values))
    assert summary.std == pytest.approx(statistics.stdev(values), abs=1e-9)
    if max(values) - min(values) > 1e-3:
        expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
        assert (summary.low, summary.high) == pytest.approx((max(0, expected.low), min(100, expected.high)))


@given(VALUES, st.floats(-50, 50), st.randoms())
def test_order_changes_nothing_and_a_shift_only_the_place(values, shift, random) -> None:
    summary = summarize(values)
    moved = summarize(random.sample([value + shift for value in values], len(values)))
    assert moved.mean == pytest.approx(summary.mean + shift, abs=1e-9)
    assert moved.std == pytest.approx(summary.std, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "interval"),
    [
        # t(0.975, 1) = 12.7062 from a printed table; half = 12.7062 * (difference / sqrt(2)) / sqrt(2).
        ([73.55, 88.65], (0, 100)),  # 81.1 -+ 95.9
        ([96.0, 97.0], (96.5 - 6.3531, 100)),
        ([2.0, 3.0], (0, 2.5 + 6.3531)),
        ([50.0, 51.0], (50.5 - 6.3531, 50.5 + 6.3531)),
        ([0.0, 100.0], (0, 100)),
        ([99.9, 100.0], (99.95 - 0.63531, 100)),
    ],
)
def test_an_interval_of_accuracies_lies_within_0_and_100(values, interval) -> None:
    summary = summarize(values)
    assert (summary.low, summary.high) == pytest.approx(interval, abs=1e-4)


def test_an_interval_of_a_difference_lies_within_100_points() -> None:
    """-60 with a standard error of 24.7 and 8 degrees of freedom: -60 - 2.306 x 24.7 = -117."""
    first, second = np.array([0.0, 0.0, 0.0, 10.0, 90.0]), np.array([100.0, 100.0, 100.0, 90.0, 10.0])
    assert compare_by_welch(first, second).low == -100.0
    assert compare_by_welch(second, first).high == 100.0


def test_one_value_has_no_spread() -> None:
    summary = summarize([97.0])
    assert (summary.n, summary.mean, summary.best, summary.worst) == (1, 97.0, 97.0, 97.0)
    assert all(math.isnan(value) for value in (summary.std, summary.low, summary.high))


def test_no_value_has_nothing() -> None:
    summary = summarize([])
    assert summary.n == 0
    assert all(math.isnan(value) for value in summary[1:])


@pytest.mark.parametrize("n", [2, 4, 10])
def test_equal_values_tell_of_no_spread(n) -> None:
    """97.1 ten times: its mean may be rounded, and a standard deviation of rounding is none either."""
    summary = summarize(np.full(n, 97.1))
    assert summary[:3] == (n, pytest.approx(97.1), 0.0)
    assert math.isnan(summary.low)
    assert math.isnan(summary.high)


@given(st.lists(st.integers(0, 10_000), min_size=5, max_size=12), st.lists(st.integers(0, 10_000), min_size=5))
def test_welch_is_scipys(first, second) -> None:
    ours, theirs = np.array(first) / 100, np.array(second) / 100
    assume(np.ptp(ours) > 0 and np.ptp(theirs) > 0)
    expected = stats.ttest_ind(ours, theirs, equal_var=False)
    low, high = expected.confidence_interval(0.9)
    assert tuple(compare_by_welch(ours, theirs, 0.9)) == pytest.approx(
        (ours.mean() - theirs.mean(), max(-100, low), min(100, high), expected.pvalue),  # pyright: ignore[reportAttributeAccessIssue]
        rel=1e-12,
    )


@settings(max_examples=25)  # statsmodels takes its time.
@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=30))
def test_holm_is_that_of_statsmodels(values) -> None:
    p = pd.Series(values, dtype=float)
    corrected = correct_by_holm(p)
    assert list(corrected.index) == list(p.index)
    assert list(corrected.isna()) == list(p.isna())
    if p.notna().any():
        assert list(corrected.dropna()) == pytest.approx(list(multipletests(p.dropna(), method="holm")[1]), rel=1e-12)  # pyright: ignore[reportArgumentType]
