"""The simulation of searches with known truth, on a small scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.choice import Score, decide_race
from benchmarks import luck
from benchmarks.luck import World, find_truth, measure_coverage, run_searches, write_lines

SMALL = World("small", spread=0.3, by_seed=0.3, images=500, configurations=32)


def test_the_truth_of_a_search_that_sees_no_seeds_is_the_best_of_many() -> None:
    """Without noise it finds the best of 16 of an even spread, which is 1 / 17 of the spread below its end."""
    world = World("even", (0.0, 0.0), "flat", 2.0, 0.0, by_image=0.0, by_both=0.0, configurations=16)
    found = run_searches(world, 0.0, 4000, np.random.default_rng(0))
    assert found.levels.mean() == pytest.approx(-2 / 17, abs=0.01)
    assert np.array_equal(found.levels, found.first)
    mean, std = find_truth(world, 0.0, 4000)
    assert mean == pytest.approx(50 - 100 * 0.3989 * 2 / 17, abs=0.3)
    assert std == pytest.approx(100 * 0.3989 * 2 * np.sqrt(16 / 18) / 17, rel=0.1)


def test_the_race_is_the_one_that_runs_use() -> None:
    found = run_searches(replace(SMALL, finalists=5), 6.5, 20, np.random.default_rng(0))
    for seeds, chosen in zip(found.seeds, found.chosen, strict=True):
        known = {
            (str(place), seed): Score(float(score), 0.0)
            for (place, seed), score in np.ndenumerate(seeds)
            if not np.isnan(score)
        }
        race = decide_race([*map(str, range(5))], 8, known)
        assert race.winner == str(chosen)
        assert len(known) == race.planned


def test_scores_and_reruns_have_the_same_mean() -> None:
    world = replace(SMALL, images=4000, reruns=200)
    truth = world.measure_truth(np.array(6.5))
    samples = luck.rerun(world, (6.5, 6.5), np.random.default_rng(0))
    assert np.mean([one.accuracies.mean() for one in samples]) == pytest.approx(truth, abs=1.0)
    scores = world.score(world.draw_seeds(np.random.default_rng(1), np.full(20000, 6.5)))
    assert scores.mean() == pytest.approx(truth, abs=0.05)


def test_the_interval_covers_what_searches_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least within the Monte Carlo error of 300 experiments; the ones without the search do not."""
    monkeypatch.setattr(luck, "DRAWS", 200)
    found = measure_coverage(SMALL, 300, searches=4000)
    error = 3 * np.sqrt(0.95 * 0.05 / 300)
    assert found.covered[2] > 0.95 - error
    assert max(found.covered[:2]) < 0.95 - error
    assert found.estimated == pytest.approx(found.std, rel=0.4)


def test_a_row_for_every_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(luck, "WORLDS", (SMALL, replace(SMALL, finalists=4)))
    monkeypatch.setattr(luck, "SEARCHES", 100)
    lines = [line for text in write_lines(2) for line in text.splitlines()]
    rows = [line for line in lines if line.startswith("| small |")]
    assert len(rows) == 2
    assert rows[0].endswith("| - |")
    assert rows[1].endswith("% |")
