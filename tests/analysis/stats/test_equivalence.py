import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind

from analysis.stats.equivalence import Moments, compare_gaps, is_settled, judge_equivalence, make_sample_like
from analysis.stats.samples import LOST


def test_the_worked_example_of_lakens() -> None:
    """Lakens (2017), the replication of Eskine by Moery and Calin-Jageman: t(182) = -2.69, p = 0.004."""
    found = judge_equivalence(make_sample_like(5.25, 0.95, 95), 5.22, 0.83, 89, margin=0.384)
    assert round(found.p_equivalent, 3) == 0.004
    assert stats.t.isf(found.p_equivalent, 182) == pytest.approx(2.69, abs=0.01)
    assert found.difference == pytest.approx(0.03)
    assert found.conclusion == "reproduced"


@given(st.floats(0, 100), st.floats(0.01, 10), st.integers(2, 40))
def test_a_sample_made_to_measure(mean, std, n) -> None:
    sample = make_sample_like(mean, std, n)
    assert len(sample) == n
    assert sample.mean() == pytest.approx(mean, abs=1e-9)
    assert sample.std(ddof=1) == pytest.approx(std)


@given(
    st.lists(st.integers(9000, 10_000).map(lambda value: value / 100), min_size=5, max_size=15, unique=True),
    st.integers(90, 100),
    st.floats(0.1, 3),
    st.floats(0.05, 3),
)
def test_agrees_with_statsmodels(ours, mean, std, margin) -> None:
    found = judge_equivalence(np.array(ours), mean, std, 10, margin)
    p, *_ = ttost_ind(ours, make_sample_like(mean, std, 10), -margin, margin, usevar="unequal")
    assert found.p_equivalent == pytest.approx(float(p), abs=1e-9)
    inside = -margin < found.low and found.high < margin
    assert (found.p_equivalent < 0.05) == inside  # The 90 % interval and the TOST are one test.
    assert (found.conclusion in ("reproduced", "close but different")) == inside
    assert (found.conclusion in ("differs", "close but different")) == (found.p_differs < 0.05)
    assert found.least_margin == pytest.approx(max(-found.low, found.high))


@pytest.mark.parametrize(
    ("ours", "conclusion"),
    [
        ([97.3, 97.2, 97.4, 97.3, 97.3], "reproduced"),  # The same.
        (
            [97.51, 97.52, 97.50, 97.52] * 5,
            "close but different",
        ),  # Surely another number, and surely by less than the margin.
        ([95.0, 95.1, 94.9, 95.0, 95.0], "differs"),
        ([95.0, 99.0, 97.0, 95.5, 98.5], "inconclusive"),
        ([97.3], "not tested"),
        ([], "not tested"),
        ([97.5] * 5, "not tested"),  # Alike, they prove nothing of the spread.
        ([97.3, 97.31], "not tested"),  # Two that happen to be close prove little more.
        ([97.3, 97.31, 97.3, 97.31], "not tested"),
    ],
)
def test_the_three_conclusions_at_the_published_number_of_conv(ours, conclusion) -> None:
    assert judge_equivalence(np.array(ours), 97.3, 0.29).conclusion == conclusion


def test_survivors_are_not_tested() -> None:
    ours = np.array([97.4] * 4 + [97.3] * 3)
    assert judge_equivalence(ours, 97.3, 0.29).conclusion == "reproduced"
    found = judge_equivalence(ours, 97.3, 0.29, lost=True)
    assert all(map(math.isnan, found[:6]))  # Not even a difference: their mean is of a selection.
    assert found[6:] == ("not tested", LOST)


def test_one_seed_has_a_difference_and_nothing_else() -> None:
    found = judge_equivalence(np.array([97.0]), 97.3, 0.29)
    assert found.difference == pytest.approx(-0.3)
    assert math.isnan(found.p_equivalent)


@pytest.mark.parametrize(
    ("difference", "std", "margin", "ends"),
    [
        (0.0, 1.01, 0.5, False),  # Random kernels: t(0.95, 9) x 1.01 / sqrt(10) = 1.833 x 0.319 = 0.585 > 0.5.
        (0.7, 1.01, 0.5, False),  # t(0.975, 9) x 0.319 = 2.262 x 0.319 = 0.7225.
        (0.73, 1.01, 0.5, True),
        (-0.73, 1.01, 0.5, True),
        (0.0, 1.01, 0.6, True),
        (0.3, 0.29, 0.5, True),  # conv: 0.168 and 0.207, so any difference is settled.
        (0.21, 0.29, 0.3, True),
        (0.15, 0.29, 0.3, False),
    ],
)
def test_whether_more_seeds_of_ours_would_tell(difference, std, margin, ends) -> None:
    assert is_settled(difference, std, margin=margin) == ends
    spread = make_sample_like(
        0.0, 0.2, 100_000
    )  # That is the limit, as a hundred thousand seeds of ours come close to.
    conclusion = judge_equivalence(90.0 + difference + spread, 90.0, std, margin=margin).conclusion
    assert (conclusion != "inconclusive") == ends


def test_a_gap_between_networks_that_are_published_alike_is_welchs_test() -> None:
    """Where the published two are as good as known exactly, what is left is our own difference."""
    first, second = np.array([97.3, 97.1, 97.5, 97.2, 97.4]), np.array([96.6, 96.9, 96.3, 96.8, 96.2])
    exact = Moments(97.0, 1e-9, 10), Moments(96.5, 1e-9, 10)
    found = compare_gaps((first, second), exact)
    expected: Any = stats.ttest_ind(first, second + 0.5, equal_var=False)
    assert found.difference == pytest.approx(first.mean() - second.mean() - 0.5)
    assert found.p_differs == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_the_gap_of_the_committed_run_of_table_1_3() -> None:
    """Issue 18: +0.21, 90 % CI -0.04 to 0.46, of ten seeds each with the means and deviations of the table."""
    ours = make_sample_like(97.37, 0.115, 10), make_sample_like(96.459, 0.21, 10)
    found = compare_gaps(ours, (Moments(97.3, 0.29), Moments(96.6, 0.26)))
    assert found[:3] == pytest.approx([0.21, -0.04, 0.46], abs=0.01)
    assert found.conclusion == "reproduced"


def test_a_gap_holds_the_level_and_covers_as_it_says() -> None:
    rng, truth = np.random.default_rng(0), 0.5
    rejected, covered, times = 0, 0, 1500
    for _ in range(times):
        means, spreads = (97.0, 96.3, 97.3, 96.6 - truth), (0.1, 0.4, 0.3, 0.2)
        a, b, c, d = (rng.normal(mean, spread, 10) for mean, spread in zip(means, spreads, strict=True))
        theirs = Moments(c.mean(), c.std(ddof=1)), Moments(d.mean(), d.std(ddof=1))
        found = compare_gaps((a, b), theirs, margin=0.5)  # The truth lies on the margin: -0.5.
        rejected += found.p_equivalent < 0.05
        covered += found.low <= -truth <= found.high
    assert covered / times == pytest.approx(0.9, abs=0.02)
    assert rejected / times == pytest.approx(0.05, abs=0.015)


def test_a_gap_with_a_lost_or_a_missing_seed_is_not_tested() -> None:
    both = Moments(97.3, 0.29), Moments(96.6, 0.26)
    five = np.array([97.3, 97.1, 97.5, 97.2, 97.4])
    assert compare_gaps((five, five), both, lost=True).untested == LOST
    assert math.isnan(compare_gaps((five, five), both, lost=True).difference)
    assert compare_gaps((five, five[:2]), both).conclusion == "not tested"
    assert compare_gaps((five, five[:0]), both).conclusion == "not tested"
