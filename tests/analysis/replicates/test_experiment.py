"""What the interval of a mean over searches covers, in simulated experiments with known truth."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.replicates.components import measure_mean
from analysis.replicates.experiment import average_splits
from analysis.stats.images import Sample, find_interval, measure_errors
from spaces.specs.replicates import place_split

EXPERIMENTS = 1500
ERROR = 3 * (0.95 * 0.05 / EXPERIMENTS) ** 0.5  # Monte Carlo, three standard errors.


def test_each_split_counts_once() -> None:
    values = np.array([1.0, 10.0, 3.0, 20.0, 30.0])
    assert average_splits(values, [7, 8, 7, 8, 8]) == pytest.approx([2, 20])
    assert average_splits(np.array([values, values + 2]).T, [7, 8, 7, 8, 8]) == pytest.approx(
        np.array([[2, 4], [20, 22]])
    )


@pytest.mark.parametrize("replicates", [4, 6, 8])
def test_the_interval_covers_as_often_as_it_says(replicates: int) -> None:
    rng, splits = np.random.default_rng(0), [place_split(number) for number in range(1, replicates + 1)]
    covered = np.zeros(2)
    for _ in range(EXPERIMENTS):
        values = rng.normal(0, 1, 8)[splits] + rng.normal(0, 1, replicates)
        found = [measure_mean(average_splits(values, splits)), measure_mean(values)]
        covered += [each.low < 0 < each.high for each in found]
    ours, naive = covered / EXPERIMENTS
    assert ours == pytest.approx(0.95, abs=ERROR)
    assert (naive < 0.95 - ERROR) == (replicates > 4)  # As if two searches of a split were independent.


def test_with_images_it_covers_what_other_images_would_give() -> None:
    rng, splits, images = np.random.default_rng(1), [0, 1, 2, 3, 0, 1], 100
    covered = np.zeros(2)
    for _ in range(EXPERIMENTS):
        search = rng.normal(0, 0.02, 4)[splits] + rng.normal(0, 0.02, 6)
        table = average_splits(rng.normal(0, 0.5, images) + search[:, None] + rng.normal(0, 0.4, (6, images)), splits)
        values = 100 * table.mean(axis=1)
        found = [find_interval(measure_errors(Sample(values, images, table))), measure_mean(values)]
        covered += [each.low < 0 < each.high for each in found]
    both, searches = covered / EXPERIMENTS
    assert both == pytest.approx(0.95, abs=ERROR)
    assert searches < 0.8
