"""The variance components: against closed forms, statsmodels' REML, and simulations whose components are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.regression.mixed_linear_model import MixedLM

from analysis.replicates.components import estimate_components, find_factors, measure_mean

SPLIT, SEARCH, SEED = 1.5, 1.0, 2.0  # Standard deviations.


def draw(rng: np.random.Generator, splits: list[int], seeds: list[int]) -> list[np.ndarray]:
    """Searches whose seeds vary by the three standard deviations."""
    parts = rng.normal(0, SPLIT, max(splits) + 1)
    return [
        90 + parts[split] + rng.normal(0, SEARCH) + rng.normal(0, SEED, size)
        for split, size in zip(splits, seeds, strict=True)
    ]


@pytest.mark.parametrize(
    ("splits", "seeds"),
    [
        ([0, 1, 2, 3, 0, 1, 2, 3], [3] * 8),
        ([0, 1, 2, 3, 0, 1], [3] * 6),  # What six replicates are.
        ([0, 1, 2, 0, 1, 0], [2, 5, 3, 1, 4, 2]),
    ],
)
def test_the_estimates_are_right_on_average(splits: list[int], seeds: list[int]) -> None:
    rng = np.random.default_rng(0)
    found = np.array([estimate_components(draw(rng, splits, seeds), splits)[:3] for _ in range(4000)])
    errors = found.std(axis=0) / np.sqrt(len(found))
    assert np.abs(found.mean(axis=0) - [SPLIT**2, SEARCH**2, SEED**2]).max() < 0.3
    assert (np.abs(found.mean(axis=0) - [SPLIT**2, SEARCH**2, SEED**2]) < 3.5 * errors).all()


def test_a_balanced_design_has_the_textbook_s_mean_squares_and_those_of_statsmodels() -> None:
    """Searle, Casella and McCulloch, table 3.10: (MSB - MSW) / n, at both levels; where positive, also REML."""
    splits, n = [0, 1, 2, 3, 4, 5] * 2, 4
    samples = draw(np.random.default_rng(4), splits, [n] * 12)
    found = estimate_components(samples, splits)
    cells = np.array(samples).reshape(2, 6, n).swapaxes(0, 1)  # Split, search, seed.
    within = cells.var(axis=2, ddof=1).mean()
    middle = n * cells.mean(axis=2).var(axis=1, ddof=1).mean()
    between = 2 * n * cells.mean(axis=(1, 2)).var(ddof=1)
    expected = ((between - middle) / (2 * n), (middle - within) / n, within)
    assert found[:3] == pytest.approx(expected)
    assert found[3:] == (5, 6, 36, False)
    assert min(expected) > 0

    split, search, _ = np.indices(cells.shape).reshape(3, -1)
    frame = pd.DataFrame({"y": cells.ravel(), "split": split, "search": split * 10 + search})
    model = MixedLM.from_formula("y ~ 1", frame, groups="split", re_formula="1", vc_formula={"search": "0 + C(search)"})
    fitted = model.fit(reml=True)
    assert (float(fitted.cov_re.iloc[0, 0]), float(fitted.vcomp[0]), float(fitted.scale)) == pytest.approx(
        expected, rel=2e-3
    )


def test_splits_with_one_search_each_leave_the_two_joint() -> None:
    samples = draw(np.random.default_rng(1), [0, 1, 2, 3], [3] * 4)
    found = estimate_components(samples, [0, 1, 2, 3])
    means = np.mean(samples, axis=1)
    assert found.joint
    assert np.isnan(found.split)
    assert found.search == pytest.approx(means.var(ddof=1) - found.seed / 3)
    assert found[3:6] == (0, 3, 8)
    one = estimate_components(samples, [7] * 4)  # One split tells of the search alone.
    assert (one.joint, one.search) == (False, found.search)
    assert np.isnan(one.split)


def test_searches_closer_than_their_seeds_have_a_negative_estimate() -> None:
    samples = [np.array([80.0, 90.0]), np.array([81.0, 89.0])]
    assert estimate_components(samples, [0, 1]).search == pytest.approx(-(50 + 32) / 4)
    alone = estimate_components([np.array([80.0]), np.array([84.0])], [0, 1])
    assert np.isnan([alone.seed, alone.search]).all()  # One seed each does not tell them apart.


def test_a_mean_has_student_s_interval() -> None:
    values = np.array([0.5, -0.1, 0.9, 0.4])
    test: Any = scipy.stats.ttest_1samp(values, 0)
    found = measure_mean(values)
    assert found == pytest.approx((values.mean(), *test.confidence_interval(0.95), test.pvalue))
    alike = measure_mean(np.array([1.0, 1.0]))
    assert alike.difference == 1
    assert np.isnan(alike[1:]).all()


def test_how_well_a_standard_deviation_is_known() -> None:
    low, high = find_factors(3)
    chi = scipy.stats.chi2(3)
    assert (low, high) == pytest.approx((np.sqrt(3 / chi.ppf(0.975)), np.sqrt(3 / chi.ppf(0.025))))
