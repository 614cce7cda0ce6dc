"""The simulation with known truth: its truth, and the coverage that it measures, on a small scale."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from benchmarks import images
from benchmarks.images import World, measure_coverage, resample_both, write_lines

SMALL = World("small", (3.0, 2.5), 8, 300, (0.15, 1.5, 0.5))


def test_the_truth_is_what_very_many_seeds_and_images_come_to() -> None:
    large = World("large", SMALL.levels, 300, 4000, SMALL.spreads)
    found = [one.accuracies.mean() for one in large.draw(np.random.default_rng(0))]
    assert found == pytest.approx(large.truths, abs=1.0)
    chance = scipy.stats.norm.expect(lambda x: scipy.stats.norm.cdf(3.0 + np.sqrt(0.15**2 + 1.5**2 + 0.5**2) * x))
    assert large.truths[0] == pytest.approx(100 * chance, abs=1e-4)


def test_the_interval_by_both_covers_the_truth_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the Monte Carlo error of 400 experiments; the interval by seeds does not."""
    monkeypatch.setattr(images, "RESAMPLES", 2)
    found = measure_coverage(SMALL, 400)
    error = 3 * np.sqrt(0.95 * 0.05 / 400)
    assert found["by both (table image-pairs)"][0] == pytest.approx(0.95, abs=error)
    assert found["by seeds (Welch)"][0] < 0.95 - error
    assert found["by images (bootstrap)"][0] < 0.95 - error


def test_the_two_way_bootstrap_is_that_of_every_single_draw() -> None:
    """Columns that are alike are drawn together: the spread is that of seeds and images drawn one by one."""
    rng = np.random.default_rng(0)
    ours, theirs = World("tiny", (1.0, 0.5), 4, 60, (0.3, 1.0, 0.5)).draw(rng)
    assert ours.right is not None
    assert theirs.right is not None
    by_hand = []
    for _ in range(3000):
        chosen = rng.integers(60, size=60)
        means = [one.right[rng.integers(4, size=4)][:, chosen].mean() for one in (ours, theirs)]  # pyright: ignore
        by_hand.append(100 * (means[0] - means[1]))
    low, high = np.quantile(by_hand, images.ENDS)
    found = np.mean([resample_both(ours, theirs, rng) for _ in range(10)], axis=0)
    assert found == pytest.approx((low, high), abs=0.08 * (high - low))


def test_a_row_for_every_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "WORLDS", (SMALL, SMALL))
    lines = [line for text in write_lines(3) for line in text.splitlines()]
    assert sum(line.startswith("| small: 94.50 and 90.86 %, 8 seeds, 300 images |") for line in lines) == 2
