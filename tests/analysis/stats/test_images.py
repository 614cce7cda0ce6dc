"""Seeds and images as random: against statsmodels' analysis of variance, scipy, and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.contingency_tables import mcnemar

from analysis.stats.images import (
    Sample,
    compute_binomial_error,
    compute_mcnemar,
    find_interval,
    list_mcnemar,
    measure_errors,
    resample_images,
)


def draw(seed: int, seeds: int, images: int, level: float = 0.8) -> Sample:
    """Correctness that depends on the image, the seed and chance."""
    rng = np.random.default_rng(seed)
    chances = np.clip(level + rng.normal(0, 0.25, (seeds, 1)) + rng.normal(0, 0.6, images), 0, 1)
    right = rng.random((seeds, images)) < chances
    return Sample(100.0 * right.mean(axis=1), images, right)


def mean_squares(one: Sample) -> pd.Series:
    """Of seeds, images and the rest, in squared points, by statsmodels."""
    assert one.right is not None
    seed, image = np.indices(one.right.shape).reshape(2, -1)
    frame = pd.DataFrame({"x": 100.0 * one.right.ravel(), "seed": seed, "image": image})
    found = anova_lm(ols("x ~ C(seed) + C(image)", frame).fit())
    return found["sum_sq"] / found["df"]


@pytest.mark.parametrize(
    ("accuracy", "images", "error"), [(97.3, 10_000, 0.16), (65.0, 2059, 1.05), (90.0, 450, 1.41), (50.0, 100, 5.0)]
)
def test_the_binomial_error_is_that_of_scipy(accuracy: float, images: int, error: float) -> None:
    assert compute_binomial_error(accuracy, images) == pytest.approx(error, abs=0.005)
    expected = 100 * scipy.stats.binom(images, accuracy / 100).std() / images
    assert compute_binomial_error(accuracy, images) == pytest.approx(expected)


def test_the_errors_of_a_mean_are_those_of_the_two_way_analysis_of_variance() -> None:
    one, (n, m) = draw(0, 4, 12), (4, 12)
    squares, found = mean_squares(one), measure_errors(one)
    assert found.value == pytest.approx(one.accuracies.mean())
    assert found.seeds**2 == pytest.approx(squares["C(seed)"] / (n * m))
    assert found.images**2 == pytest.approx(squares["C(image)"] / (n * m))
    both = squares["C(seed)"] + squares["C(image)"] - squares["Residual"]
    assert found.both**2 == pytest.approx(both / (n * m))
    parts = (found.seeds**4 / (n - 1), found.images**4 / (m - 1))
    assert found.freedom == pytest.approx(found.both**4 / sum(parts))


def test_what_is_hard_for_both_networks_cancels_in_their_difference() -> None:
    one, other = draw(1, 4, 30, 0.8), draw(2, 3, 30, 0.6)
    found, m = measure_errors(one, other), 30
    assert one.right is not None
    assert other.right is not None
    differences = 100 * (one.right.mean(0) - other.right.mean(0))
    rest = mean_squares(one)["Residual"] / (4 * m) + mean_squares(other)["Residual"] / (3 * m)
    seeds = scipy.stats.sem(one.accuracies) ** 2 + scipy.stats.sem(other.accuracies) ** 2
    assert found.both**2 == pytest.approx(seeds + scipy.stats.sem(differences) ** 2 - rest)
    same = measure_errors(one, Sample(one.accuracies, m, one.right))
    assert (same.value, same.images) == (0, 0)
    assert same.both == pytest.approx(same.seeds)


def test_seeds_that_are_all_alike_leave_the_images() -> None:
    right = np.tile(np.arange(100) < 90, (5, 1))
    found = measure_errors(Sample(np.full(5, 90.0), 100, right))
    assert found.seeds == 0
    assert found.both == found.images == pytest.approx(compute_binomial_error(90.0, 100) * np.sqrt(100 / 99))
    assert found.freedom == pytest.approx(99)
    interval = find_interval(found)
    assert (interval.low, interval.high) == pytest.approx(scipy.stats.t.interval(0.95, 99, 90.0, found.both))


def test_no_spread_at_all_has_no_interval() -> None:
    perfect = Sample(np.full(5, 100.0), 10, np.ones((5, 10), bool))
    assert np.isnan(find_interval(measure_errors(perfect))[1:]).all()


def test_without_predictions_the_images_error_is_binomial_and_larger() -> None:
    one, other = draw(3, 6, 400, 0.8), draw(4, 6, 400, 0.7)
    unkept = measure_errors(*(Sample(each.accuracies, 400) for each in (one, other)))
    expected = sum(compute_binomial_error(each.accuracies.mean(), 400) ** 2 for each in (one, other))
    assert unkept.images**2 == pytest.approx(expected)
    assert unkept.both**2 == pytest.approx(expected + unkept.seeds**2)
    assert unkept.both > measure_errors(one, other).both


def test_the_interval_is_never_narrower_than_welchs() -> None:
    for seed in range(30):
        one, other = draw(seed, 5, 40), draw(seed + 100, 4, 40)
        found = find_interval(measure_errors(one, other))
        theirs: Any = scipy.stats.ttest_ind(one.accuracies, other.accuracies, equal_var=False)
        low, high = theirs.confidence_interval()
        assert found.low <= low + 1e-9
        assert found.high >= high - 1e-9
        assert found.p >= theirs.pvalue - 1e-12


@pytest.mark.parametrize(("ours", "theirs"), [(0, 0), (3, 3), (1, 9), (12, 2), (400, 320)])
def test_mcnemar_is_that_of_statsmodels(ours: int, theirs: int) -> None:
    both, neither = 50, 7
    first = np.repeat([True, True, False, False], [both, ours, theirs, neither])
    second = np.repeat([True, False, True, False], [both, ours, theirs, neither])
    expected: Any = mcnemar([[both, ours], [theirs, neither]], exact=True)
    assert compute_mcnemar(first, second) == pytest.approx(expected.pvalue)
    assert list_mcnemar(first[None], second[None]) == [compute_mcnemar(first, second)]


def test_the_bootstrap_of_images_is_that_of_scipy() -> None:
    one, other = draw(5, 5, 300, 0.8), draw(6, 5, 300, 0.7)
    assert one.by_image is not None
    assert other.by_image is not None
    difference = one.by_image - other.by_image
    low, high = resample_images(one.by_image, other.by_image)
    theirs = scipy.stats.bootstrap((difference,), np.mean, n_resamples=4000, method="percentile", rng=1)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.06 * (high - low))
    assert (low, high) == resample_images(one.by_image, other.by_image)  # The same in every table.
