import math
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.stats.breakdowns import BINS, MOST, find_breakdowns, list_outcomes, make_levels
from spaces import Hyperparameters

GRID = tuple(product((0.1, 1.0), (0.0, 0.9), (1e-5, 1e-4), (0.5, 1.0)))


def first(folder):
    return gather([read_run(folder.write())]).candidates[0]


def searched(folder, ends):
    """One configuration for each: an accuracy, or None for one that diverged."""
    folder.spec.update(grace_period=1, architectures=["conv"])
    for theta, accuracy in zip(GRID, ends, strict=False):
        status = "diverged" if accuracy is None else "stopped"
        folder.sweep("conv", [accuracy], status, theta=Hyperparameters(*theta), status=status)
    return first(folder)


def test_the_p_value_is_that_of_fishers_exact_test(folder) -> None:
    """With two levels of equal size chi-square orders the outcomes as Fisher does."""
    found = find_breakdowns(searched(folder, [0.9] * 8 + [None, None, 0.1, 0.2, 0.9, 0.9, 0.9, 0.9])).set_index("term")
    assert found.loc["lr", "by_level"] == "0.1: 0/8, 1.0: 4/8"
    exact: Any = stats.fisher_exact([[0, 8], [4, 4]])[1]
    assert exact == pytest.approx(2 * math.comb(8, 4) / math.comb(16, 4))
    # Holm's factor is 4: lr and momentum have the smallest p-values, both this one.
    assert found.loc[["lr", "momentum"], "p_holm"].tolist() == pytest.approx([4 * exact] * 2, abs=0.06)
    assert found.loc["gain", "p_holm"] == 1.0


def test_late_divergence_and_collapse_are_breakdowns(folder) -> None:
    """A trial that is fine at the end of the grace period may still diverge, or collapse."""
    folder.spec.update(grace_period=1, architectures=["conv"])
    thetas = [Hyperparameters(*theta) for theta in GRID]
    folder.sweep("conv", [0.9, 0.9, 0.9, 0.95], "completed", theta=thetas[0])
    folder.sweep("conv", [0.9, 0.9, None], "diverged", theta=thetas[1], status="diverged")
    folder.sweep("conv", [0.9, 0.9, 0.9, 0.4], "completed", theta=thetas[2])
    folder.sweep("conv", [0.44], "stopped", theta=thetas[3])  # Below half of 0.9.
    folder.sweep("conv", [0.46], "stopped", theta=thetas[4])
    folder.sweep("conv", [0.9], "failed", theta=thetas[5], status="failed", error="x")
    folder.sweep("conv", [0.9], None, theta=thetas[6])
    table = list_outcomes(first(folder))
    assert len(table) == 5
    assert table["broke"].sum() == 3
    assert set(table.loc[~table["broke"], "accuracy"]) == {0.9, 0.46}


@pytest.mark.parametrize("ends", [[None] * 16, [0.9] * 16, [0.9], [None], []])
def test_where_all_or_none_broke_down_nothing_decides(folder, ends) -> None:
    found = find_breakdowns(searched(folder, ends))
    assert list(found.columns) == ["term", "by_level", "p_holm", "matters"]
    assert not len(found)


def test_a_constant_hyperparameter_has_no_row(folder) -> None:
    found = find_breakdowns(searched(folder, [0.9] * 4 + [None] * 4))  # The first eight have lr 0.1.
    assert list(found["term"]) == ["momentum", "weight_decay", "gain"]
    assert found["p_holm"].tolist() == pytest.approx([3 * 2 / math.comb(8, 4), 1, 1], abs=0.02)


def test_planted_noise_is_found_at_most_as_often_as_is_asked(make_folder) -> None:
    """Breakdowns dealt out at random: the family's error stays near 5 %, here at most 6 of 40."""
    random, wrong = np.random.default_rng(0), 0
    for number in range(40):
        ends = [None if broken else 0.9 for broken in random.permutation(16) < 5]
        wrong += find_breakdowns(searched(make_folder(str(number)), ends))["matters"].any()
    assert wrong <= 6


def test_scipys_own_permutations_agree(folder) -> None:
    ends = [0.9] * 10 + [None, 0.9, None, None, 0.9, None]
    candidate = searched(folder, ends)
    table = list_outcomes(candidate)
    raw = []
    for name in ("lr", "momentum", "weight_decay", "gain"):
        method = stats.PermutationMethod(n_resamples=9999, rng=1)
        crossed = pd.crosstab(table[name], table["broke"])
        test: Any = stats.chi2_contingency(crossed, correction=False, method=method)
        raw.append(test.pvalue)
    ordered = np.sort(raw) * np.arange(4, 0, -1)
    expected = np.minimum(np.maximum.accumulate(ordered), 1)
    assert np.sort(find_breakdowns(candidate)["p_holm"]) == pytest.approx(expected, abs=0.06)


def test_a_grid_is_its_own_levels_in_order() -> None:
    named = make_levels(pd.Series([1.0, 0.0316, 0.1, 1.0]))
    assert list(named.cat.categories) == ["0.0316", "0.1", "1.0"]
    assert list(named) == ["1.0", "0.0316", "0.1", "1.0"]


def test_bins_that_round_alike_have_names_of_their_own() -> None:
    named = make_levels(pd.Series(np.linspace(0.891, 0.9, 40)))
    assert len(set(named.cat.categories)) == BINS


@given(st.lists(st.floats(1e-4, 10), min_size=MOST + 1, max_size=60, unique=True))
def test_a_range_becomes_bins_that_hold_everything(values) -> None:
    named = make_levels(pd.Series(values))
    assert named.notna().all()
    assert 1 <= len(named.cat.categories) <= BINS


def test_words_and_truth_values_are_levels_in_the_order_of_the_space() -> None:
    words = make_levels(pd.Series(["relu", "gelu", "relu", None]), ["relu", "silu", "gelu"])
    assert list(words.cat.categories) == ["relu", "gelu"]
    assert words.isna().tolist() == [False, False, False, True]
    assert list(make_levels(pd.Series(["b", "a", "c"]), ["c"]).cat.categories) == ["c", "a", "b"]
    truth = make_levels(pd.Series([True, None, False], dtype="boolean"))
    assert list(truth.cat.categories) == ["false", "true"]
    assert len(make_levels(pd.Series([f"w{number}" for number in range(30)])).cat.categories) == 30


def test_whole_numbers_are_levels_or_bins() -> None:
    assert list(make_levels(pd.Series([5, 3, None], dtype="Int64")).cat.categories) == ["3", "5"]
    named = make_levels(pd.Series([*range(0, 101, 5)], dtype="Int64"))
    assert list(named.cat.categories) == ["0 to 25", "25 to 50", "50 to 75", "75 to 1e+02"]
    assert named.value_counts().tolist() == [6, 5, 5, 5]


def test_a_word_that_decides_is_found(folder) -> None:
    """Six of six with relu diverge and none of six with gelu: one of C(12, 6) = 924 divisions, twice for both sides."""
    folder.spec["space"] |= {"activation": {"choice": ["relu", "gelu"]}}
    folder.spec.update(
        architectures=["A-ab"],
        own={"A-ab": {"reference": "/x.py:A", "digest": "ab", "kind": "layer", "takes": ["activation", "gain"]}},
    )
    for number in range(6):
        theta = {"lr": 0.1, "momentum": 0.5, "weight_decay": 1e-5 * (1 + number % 2), "gain": 1.0}
        broken, sound = (Hyperparameters(**theta, activation=word, step=number) for word in ("relu", "gelu"))
        folder.sweep("A-ab", [None], "diverged", theta=broken, status="diverged")
        folder.sweep("A-ab", [0.5] * 4, "completed", theta=sound)
    found = find_breakdowns(gather([read_run(folder.write())]).candidates[0]).set_index("term")
    assert list(found.index) == ["weight_decay", "activation", "step"]
    assert found.loc["activation", "by_level"] == "relu: 6/6, gelu: 0/6"
    assert found.loc["activation", "p_holm"] == pytest.approx(3 * 2 / 924, rel=0.5)
    assert found["matters"].tolist() == [False, True, False]
