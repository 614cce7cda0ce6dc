import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.stats.budget import compute_budget_curve, compute_expected_best


@given(st.lists(st.integers(0, 100).map(float), min_size=1, max_size=7), st.randoms())
def test_is_the_mean_over_all_subsets(values, random) -> None:
    curve = compute_expected_best(np.array(random.sample(values, len(values))))
    for k, row in zip(range(1, len(values) + 1), curve.to_dict("records"), strict=True):
        best = sorted(max(chosen) for chosen in itertools.combinations(values, k))
        assert row["mean"] == pytest.approx(sum(best) / len(best))
        assert row["low"] == best[math.ceil(0.05 * len(best)) - 1]
        assert row["high"] == best[math.ceil(0.95 * len(best)) - 1]


def test_nothing_was_searched() -> None:
    assert len(compute_expected_best(np.array([]))) == 0


def test_budgets_are_mean_costs_times_trials(full) -> None:
    """conv: 0.8, 0.9 after 4 epochs, 0.95 after 1, one diverged after 1: 10 epochs of 0.5 s over 4 trials."""
    curve = compute_budget_curve(gather([read_run(full.write())]).candidates[0])
    assert curve["mean"][3] == pytest.approx(95.0)
    assert curve["mean"][0] == pytest.approx((80 + 90 + 95 + 0) / 4)
    assert list(curve["epochs"]) == [2.5, 5.0, 7.5, 10.0]
    assert list(curve["seconds"]) == [1.25, 2.5, 3.75, 5.0]
    assert curve["mults"][3] == 10 * (9 * 7 * 784 + 9 * 7 * 49 * 196)
