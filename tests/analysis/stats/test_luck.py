"""The luck of searches: against closed forms, statsmodels, and simulation with known truth."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from statsmodels.formula.api import mixedlm, ols

from analysis.stats.images import Errors, find_interval
from analysis.stats.luck import (
    Luck,
    Means,
    Search,
    join_errors,
    learn_means,
    lift_breakdowns,
    measure_curse,
    repeat_search,
)

REPEATS = np.zeros((10, 1))  # Of 10 seeds; their spread is not looked at.


def draw_scores(seed: int, many: int, seeds: int, between: float, within: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 90 + between * rng.standard_normal((many, 1)) + within * rng.standard_normal((many, seeds))


def list_rows(scores: np.ndarray) -> pd.DataFrame:
    """A row for each score that there is."""
    return pd.DataFrame([{"config": config, "y": y} for (config, _), y in np.ndenumerate(scores) if not np.isnan(y)])


def make_search(scores: np.ndarray, asked: int, seeds: np.ndarray | None = None, finalists: int = 0) -> Search:
    return Search(asked, scores, np.full((len(scores), 0), np.nan) if seeds is None else seeds, REPEATS, finalists)


def test_both_variances_of_a_race_are_those_of_a_mixed_model() -> None:
    """Of many configurations, where the median of what is open and the REML estimate are one."""
    scores = draw_scores(0, 80, 8, 1.0, 2.0)
    scores[40:, 2:] = np.nan  # These left the race.
    scores = lift_breakdowns(scores)[0]
    found = learn_means(make_search(scores[:, 0], 80, scores, 80))
    assert found is not None
    long = list_rows(scores)
    fit = mixedlm("y ~ 1", long, groups=long["config"]).fit(reml=True)
    assert found.centre == pytest.approx(fit.params["Intercept"], abs=0.02)
    assert found.within == pytest.approx(fit.scale, rel=0.03)
    assert found.between == pytest.approx(fit.cov_re.iloc[0, 0], rel=0.1)
    predicted = fit.params["Intercept"] + np.array([effect.iloc[0] for effect in fit.random_effects.values()])
    assert found.estimates == pytest.approx(predicted, abs=0.05)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_what_one_seed_and_the_spread_of_reruns_tell(share: float) -> None:
    scores = np.sort(draw_scores(1, 4000, 1, math.sqrt(share), math.sqrt(1 - share))[:, 0])[::-1]
    repeats = draw_scores(2, 1, 2000, 0.0, math.sqrt(1 - share)).T
    found = learn_means(Search(4000, scores, np.empty((4000, 0)), repeats, 0))
    assert found is not None
    assert found.centre == pytest.approx(90, abs=0.05)
    assert found.between == pytest.approx(share, abs=0.06)
    assert found.within == pytest.approx(1 - share, abs=0.06)
    assert found.kept == pytest.approx(share, abs=0.06)


def test_scores_that_say_nothing_leave_the_share_open() -> None:
    """Two seeds and two configurations: the share is about half, as before them, and not 0 or 1."""
    search = Search(2, np.array([91.0, 90.0]), np.empty((2, 0)), np.array([[90.0], [90.4]]), 0)
    found = learn_means(search)
    assert found is not None
    assert 0.3 < found.kept[0] < 0.7


@pytest.mark.parametrize(
    ("scores", "repeats"), [([91.0], [[90.0], [91.0]]), ([91.0, 90.0], [[90.0]]), ([91.0, 91.0], [[90.0], [90.0]])]
)
def test_too_little_is_known(scores: list[float], repeats: list[list[float]]) -> None:
    assert learn_means(Search(4, np.array(scores), np.empty((len(scores), 0)), np.array(repeats), 0)) is None


@pytest.mark.parametrize(
    "seeds", [[[91.0], [90.0]], [[91.0, 90.0], [math.nan, math.nan]], [[91.0, 91.0], [91.0, 91.0]]]
)
def test_too_little_is_known_of_a_race(seeds: list[list[float]]) -> None:
    assert learn_means(make_search(np.array([91.0, 90.0]), 2, np.array(seeds), 2)) is None


def test_where_seeds_decide_searches_find_any_configuration() -> None:
    """Their spread is that of the configurations, and each is found equally often."""
    known = 2 * scipy.stats.norm.ppf((np.arange(50) + 0.5) / 50)
    means = Means(90.0, 4.0, 1e6, 90 + known, np.ones(50))
    luck = repeat_search(make_search(90 + known, 50), means, 4000)
    assert luck.found.mean() == pytest.approx(90, abs=0.15)
    assert luck.std == pytest.approx(2.0, rel=0.05)
    assert np.bincount(luck.winners, minlength=50).max() < 130


def test_where_seeds_are_alike_searches_find_the_best_of_as_many() -> None:
    """The largest of 64 normals has a standard deviation of 0.45; the plain bootstrap has 0.3."""
    stds = []
    for seed in range(400):
        known = np.sort(np.random.default_rng(seed).standard_normal(64))[::-1]
        stds.append(repeat_search(make_search(known, 64), Means(0.0, 1.0, 1e-6, known, np.ones(64)), 200).std)
    truth = np.random.default_rng(1).standard_normal((20000, 64)).max(axis=1).std()
    assert np.sqrt(np.mean(np.square(stds))) == pytest.approx(truth, rel=0.2)


def test_gaps_reach_to_the_neighbours() -> None:
    means = Means(0.0, 1.0, 1e-12, np.array([9.0, 5.0, 8.0, 5.0]), np.ones(4))
    assert means.gaps == pytest.approx([1.0, 1.5, 2.0, 0.0], abs=1e-9)


@pytest.mark.parametrize("finalists", [0, 4])
def test_one_that_is_far_ahead_is_found_wherever_it_is_drawn(finalists: int) -> None:
    """In 1 - (1 - 1 / n)^n of all repetitions."""
    scores = np.array([20.0, *np.zeros(9)])
    seeds = np.repeat(scores[:, None], 4, axis=1)
    luck = repeat_search(make_search(scores, 40, seeds, finalists), Means(0.0, 1.0, 0.01, scores, np.ones(10)), 4000)
    drawn = 1 - (1 - 1 / 40) ** 40
    some = 1 - (30 / 40) ** 40  # Others than the ten were stopped, and a repetition has one of the ten at least.
    assert (luck.winners == 0).mean() == pytest.approx(drawn / some, abs=0.03)


def test_the_same_seed_repeats_the_same_searches() -> None:
    scores = np.arange(10.0)[::-1]
    means = Means(5.0, 4.0, 1.0, scores, np.ones(10))
    first, second = (repeat_search(make_search(scores, 20), means, 50).found for _ in range(2))
    assert np.array_equal(first, second)


def test_what_broke_down_is_moved_up() -> None:
    """The median is 95, the median of the distances from it 1."""
    values = np.array([[95.0, 94.0, 96.0], [10.0, 95.0, math.nan]])
    lifted, moved = lift_breakdowns(values)
    assert lifted[0] == pytest.approx([95, 94, 96])
    assert lifted[1, :2] == pytest.approx([95 - 3 * 1.4826, 95])
    assert moved.tolist() == [[False] * 3, [True, False, False]]


def test_the_curse_has_the_pooled_error_of_least_squares() -> None:
    seeds = np.array([[93.0, 92.0, math.nan], [94.0, 95.0, 93.5], [91.0, math.nan, math.nan], [math.nan] * 3])
    found = measure_curse(seeds, np.array([96.0, 95.5, 95.0, 94.0]))
    long = list_rows(seeds)
    low, high = ols("y ~ C(config) - 1", long).fit().conf_int().iloc[0]
    assert found[:3] == pytest.approx((96 - 92.5, 96 - high, 96 - low))


@pytest.mark.parametrize("seeds", [np.empty((2, 0)), [[math.nan], [90.0]], [[91.0], [90.0]]])
def test_no_curse_is_known(seeds: list[list[float]]) -> None:
    assert all(map(math.isnan, measure_curse(np.array(seeds), np.array([92.0, 91.0]))))


def make_luck(std: float, freedom: float = math.inf) -> Luck:
    return Luck(np.array([90 - std, 90 + std]), np.array([0, 1]), freedom)


def test_variances_add_up() -> None:
    errors = Errors(1.0, 0.3, 12.0, 0.35, 0.5, 15.0)
    whole = join_errors(errors, [make_luck(0.6), make_luck(0.8, 4)])
    error = math.sqrt(0.25 + 0.36 + 0.64)
    assert (whole.search, whole.seeds, whole.images) == pytest.approx((1 / 1.25, 0.09 / 1.25, 0.16 / 1.25))
    freedom = 1.25**2 / (0.25**2 / 15 + 0.64**2 / 4)
    low, high = scipy.stats.t.interval(0.95, freedom, 1.0, error)
    assert whole.interval[1:3] == pytest.approx((low, high))
    assert whole.interval.p == pytest.approx(2 * scipy.stats.t.sf(1 / error, freedom))


def test_without_luck_it_is_the_interval_by_seeds_and_images() -> None:
    errors = Errors(1.0, 0.3, 12.0, 0.35, 0.5, 15.0)
    assert join_errors(errors, [make_luck(0.0), make_luck(0.0)]).interval == pytest.approx(find_interval(errors))


def test_few_degrees_of_freedom_where_the_best_lie_far_apart() -> None:
    """All of the variance rests on the gaps; or on the seeds' variance, with 9 degrees or those of a race."""
    scores = np.arange(20.0)[::-1]
    sharp = repeat_search(make_search(scores, 20), Means(9.5, 33.0, 1e-9, scores, np.ones(20)))
    blurred = repeat_search(make_search(scores, 20), Means(9.5, 1.0, 1e6, scores, np.ones(20)), 40000)
    assert sharp.freedom == pytest.approx(4, abs=0.01)
    assert blurred.freedom == pytest.approx(9, rel=0.1)
    seeds = np.where(np.arange(5) < np.arange(20)[:, None], 1.0, np.nan)
    assert make_search(scores, 20, seeds, 20).freedom == ols("y ~ C(config)", list_rows(seeds)).fit().df_resid
