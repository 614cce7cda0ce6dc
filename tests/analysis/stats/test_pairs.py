import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd

from analysis.stats.pairs import add_detectable, compare_pairs, count_seeds
from analysis.stats.pairs import count_tests as family_of
from analysis.stats.samples import ALIKE, FEW, LEAST, LOST, compare_by_welch

# Welch's test by hand. Means 92 and 82, variances 4 and 7, n = 5: se^2 = 4/5 + 7/5 = 11/5,
# t = 10 / sqrt(11/5) = 6.741999, df = (11/5)^2 / ((4/5)^2 / 4 + (7/5)^2 / 4) = 7.446154.
FIRST, SECOND = np.array([90.0, 90.0, 92.0, 94.0, 94.0]), np.array([78.0, 81.0, 83.0, 83.0, 85.0])
T, DF, SE = 6.741999, 7.446154, math.sqrt(11 / 5)
SAMPLES = st.lists(st.integers(0, 10_000).map(lambda value: value / 100), min_size=5, max_size=12)


def test_welch_by_hand() -> None:
    found = compare_by_welch(FIRST, SECOND)
    assert found.difference == 10.0
    assert found.p == pytest.approx(2 * stats.t.sf(T, DF), rel=1e-5)
    half = stats.t.ppf(0.975, DF) * SE
    assert (found.low, found.high) == pytest.approx((10 - half, 10 + half), rel=1e-5)


@pytest.mark.parametrize("other", [[], [81.0], [81.0, 81.01], [81.0, 81.01, 81.0, 81.01]])
def test_welch_needs_five_values_each(other) -> None:
    found = compare_by_welch(FIRST, np.array(other))
    assert math.isnan(found.p)
    assert math.isnan(found.low)


def test_samples_that_never_vary_are_not_tested() -> None:
    assert math.isnan(compare_by_welch(np.full(5, 90.0), np.full(5, 80.0)).p)
    assert math.isnan(compare_by_welch(np.full(5, 90.0), SECOND).p)


def test_holm_by_hand() -> None:
    samples = {"a": FIRST, "b": SECOND, "c": np.array([91.0, 92.0, 95.0, 90.0, 93.0])}
    frame = compare_pairs(samples)
    raw: list[Any] = [stats.ttest_ind(*two, equal_var=False)[1] for two in itertools.combinations(samples.values(), 2)]
    assert list(frame["p"]) == pytest.approx(raw)
    order = np.argsort(raw)
    expected, running = {}, 0.0
    for rank, place in enumerate(
        order
    ):  # Holm (1979): the k-th smallest times (m - k + 1), never below an earlier one.
        running = max(running, min(1.0, (3 - rank) * raw[place]))
        expected[place] = running
    assert list(frame["p_holm"]) == pytest.approx([expected[place] for place in range(3)])
    assert list(frame["differs"]) == [p < 0.05 for p in frame["p_holm"]]


def test_hedges_g_by_hand() -> None:
    # Pooled variance (4 x 4 + 4 x 7) / 8 = 5.5; correction 1 - 3 / (4 x 8 - 1) = 28/31 (Hedges, 1981).
    assert compare_pairs({"a": FIRST, "b": SECOND})["g"][0] == pytest.approx(10 / math.sqrt(5.5) * 28 / 31)
    described = (92, 2, 5, 82, math.sqrt(7), 5)
    assert compare_pairs({"a": FIRST, "b": SECOND})["g"][0] == pytest.approx(effectsize_smd(*described)[0], rel=1e-12)


@pytest.mark.parametrize(
    ("samples", "lost", "why"),
    [
        ((FIRST, SECOND), ("b",), LOST),
        ((FIRST, np.array([])), ("b",), LOST),
        ((FIRST, np.array([97.0])), (), FEW),
        ((FIRST, np.array([97.0, 97.01])), (), FEW),
        ((FIRST[:4], SECOND[:4]), (), FEW),
        ((np.full(2, 97.0), np.full(2, 96.0)), (), FEW),
        ((np.full(5, 97.0), np.full(5, 96.0)), (), ALIKE),
        ((np.full(5, 97.0), SECOND), (), ALIKE),
        ((np.full(10, 97.1), SECOND), (), ALIKE),
    ],
)
def test_what_is_not_tested_says_why(samples, lost, why) -> None:
    """Of few values the spread is hardly known, of equal ones not at all, and survivors are no sample."""
    named = dict(zip("ab", samples, strict=True))
    row = add_detectable(compare_pairs(named, lost), named).iloc[0]
    assert row["untested"] == why
    assert (row["difference"] == row["difference"]) == (why != LOST)  # What is left has a mean of a selection.
    assert not row["differs"]
    assert row[["low", "high", "p", "p_holm", "g", "detectable"]].isna().all()


def test_pairs_that_are_not_tested_are_not_in_the_family() -> None:
    """Three networks, of which one lost seeds: one test is left, and is not corrected for the other two."""
    frame = compare_pairs({"a": FIRST, "b": SECOND, "c": FIRST - 3}, lost=["c"])
    assert family_of(frame) == 1
    assert frame["p_holm"][0] == frame["p"][0] == pytest.approx(2 * stats.t.sf(T, DF), rel=1e-5)


def test_nothing_and_a_single_seed() -> None:
    assert len(compare_pairs({})) == 0
    assert len(compare_pairs({"a": FIRST})) == 0
    frame = compare_pairs({"a": FIRST, "b": SECOND, "c": np.array([50.0])})
    assert list(frame["p_holm"].isna()) == [False, True, True]
    assert list(frame["differs"]) == [True, False, False]
    assert frame["p_holm"][0] == frame["p"][0]  # Undefined tests are no comparisons.


@settings(max_examples=20)  # A power takes tens of milliseconds.
@given(SAMPLES, SAMPLES, st.integers(-20, 20), st.randoms())
def test_order_and_a_common_shift_change_nothing(first, second, shift, random) -> None:
    assume(max(first) - min(first) > 0.1 and max(second) - min(second) > 0.1)
    samples = {"a": np.array(first), "b": np.array(second)}
    frame = add_detectable(compare_pairs(samples), samples)
    samples = {name: np.array(random.sample(list(of), len(of))) + shift for name, of in samples.items()}
    moved = add_detectable(compare_pairs(samples), samples)
    columns = ["difference", "low", "high", "p", "p_holm", "g", "detectable"]
    assert moved[columns].to_numpy() == pytest.approx(frame[columns].to_numpy(), abs=1e-7, rel=1e-6)
    swapped = compare_pairs({"b": np.array(second), "a": np.array(first)})
    assert swapped["difference"][0] == pytest.approx(-frame["difference"][0])
    assert swapped["p"][0] == pytest.approx(frame["p"][0])


def test_the_interval_covers_the_true_difference_as_often_as_it_says() -> None:
    """Unequal spreads and sizes; 2,000 draws: the binomial 99.9 % range of 95 % coverage is 93.3 to 96.5 %."""
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        found = compare_by_welch(random.normal(97.4, 0.12, 10), random.normal(96.5, 0.5, 7))
        covered += found.low <= 0.9 <= found.high
    assert 0.933 <= covered / 2000 <= 0.965


def _level(few: int, many: int, alpha: float, random: np.random.Generator) -> float:
    """How often Welch's test finds a difference where there is none, of 200,000 pairs of samples of one spread."""
    samples = random.normal(size=(200_000, few)), random.normal(size=(200_000, many))
    found: Any = stats.ttest_ind(*samples, axis=1, equal_var=False)
    return float((found.pvalue < alpha).mean())


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 28])
def test_from_five_seeds_on_the_test_keeps_its_level_within_half_and_one_and_a_half_of_it(alpha) -> None:
    """Bradley's criterion (1978), against the ten seeds of the text, in a family of one and of Table 1.4's 28."""
    random = np.random.default_rng(0)
    assert 0.5 < _level(LEAST, 10, alpha, random) / alpha < 1.5
    assert 0.5 < _level(LEAST, LEAST, alpha, random) / alpha < 1.5


def test_with_four_it_does_not() -> None:
    random = np.random.default_rng(0)
    assert _level(LEAST - 1, 10, 0.05 / 28, random) / (0.05 / 28) > 1.5


def test_no_seeds_show_a_difference_that_is_rounding() -> None:
    assert count_seeds(1e-10, 1.0, 0.05) == math.inf
    assert count_seeds(1e-5, 1.0, 0.05) > 1e10
