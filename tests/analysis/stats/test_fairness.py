import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.stats.fairness import APART, _summarize_side, find_edges, find_near_optimal, judge_fairness
from analysis.tables import TABLES
from spaces import Hyperparameters
from tests.analysis.conftest import NET, OWN

BEST = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)
GRID = {
    "name": "table-1.2",
    "lr": {"choice": [0.0316, 0.1, 0.316, 1.0]},
    "momentum": {"choice": [0.0, 0.25, 0.5, 0.9]},
    "weight_decay": {"choice": [1e-5, 3.16e-5, 1e-4, 3.16e-4]},
    "gain": {"choice": [0.5, 1.0, 1.5, 2.0]},
}


def first(folder):
    return gather([read_run(folder.write())]).candidates[0]


def test_a_known_sweep_by_hand(five) -> None:
    """conv: chosen at 90 % on one seed, reruns 90, 90, 92, 94, 94: mean 92, std 2; 1 of 4 diverged."""
    found = judge_fairness(first(five))
    assert (found.ended, found.planned) == (4, 256)
    assert (found.diverged, found.collapsed, found.broken) == (0.25, 0.0, 0.25)
    # Wilson (1927) by its formula, z = 1.959964.
    z = stats.norm.ppf(0.975)
    middle, half = (0.25 + z**2 / 8) / (1 + z**2 / 4), z * math.sqrt(0.25 * 0.75 / 4 + z**2 / 64) / (1 + z**2 / 4)
    assert (found.broken_low, found.broken_high) == pytest.approx((middle - half, middle + half))
    assert (found.selected, found.rerun, found.gap, found.spread) == pytest.approx((90.0, 92.0, -2.0, 2.0))
    assert found.near == 1  # 90 alone: 80 is further than 2 points, and 95 was stopped.


def test_reruns_that_are_judged_otherwise_than_the_sweep_have_no_gap(five) -> None:
    five.spec["judge"] = "last5"
    run = read_run(five.write())
    assert not math.isnan(judge_fairness(gather([run]).candidates[0]).gap)
    found = judge_fairness(gather([run], judge="final").candidates[0])
    assert found.rerun == pytest.approx(92.0)
    assert math.isnan(found.gap)


def test_near_optimal_are_those_within_root_two_std_of_a_rerun(five) -> None:
    """Std 2: two single seeds differ by 2.83 points of standard error, so 87.18 is near and 87.16 is not."""
    for gain, accuracy in ((0.5, 0.8718), (1.5, 0.8716), (2.0, 0.899)):
        five.sweep("conv", [0.1, 0.2, 0.3, accuracy], "completed", theta=Hyperparameters(0.0316, 0.9, 3.16e-5, gain))
    found = find_near_optimal(first(five))
    assert sorted(found["val_accuracy"], reverse=True) == [0.9, 0.899, 0.8718]
    assert judge_fairness(first(five)).near == 3


def test_what_is_near_goes_by_the_judge_of_the_run(folder) -> None:
    """One ends on a dip, with 74 % over its last five epochs; the other has 85 % in the end and 25 % over five."""
    folder.spec.update(architectures=["conv"], samples=2, max_epochs=6, rerun_epochs=10, rerun_seeds=5, judge="last5")
    dips, jumps = Hyperparameters(0.1, 0.5, 1e-5, 1.0), Hyperparameters(0.2, 0.5, 1e-5, 1.0)
    folder.sweep("conv", [0.1, 0.9, 0.9, 0.9, 0.9, 0.1], "completed", theta=dips)
    folder.sweep("conv", [0.1, 0.1, 0.1, 0.1, 0.1, 0.85], "completed", theta=jumps)
    for seed, accuracy in enumerate((0.90, 0.92, 0.94, 0.90, 0.94), start=1):
        folder.rerun("conv", [accuracy] * 10, "completed", theta=dips, seed=seed)
    for judge in (None, "final"):  # Of the tables.
        found = find_near_optimal(gather([read_run(folder.write())], judge=judge).candidates[0])
        assert found[["lr", "val_accuracy"]].to_numpy().tolist() == [[0.1, pytest.approx(0.74)]]


def test_two_seeds_of_one_configuration_lie_within_root_two_std_two_times_in_three() -> None:
    """The promise of table near, of 100,000 drawn pairs: 68.27 %; within one std it would be 52.05 %."""
    random = np.random.default_rng(0)
    apart = np.abs(random.normal(97, 0.3, 100_000) - random.normal(97, 0.3, 100_000))
    assert (apart <= APART * 0.3).mean() == pytest.approx(0.6827, abs=0.005)
    assert (apart > 0.3).mean() == pytest.approx(0.4795, abs=0.005)


def test_reruns_that_are_all_alike_have_no_near_set(full) -> None:
    full.trials = [kept for kept in full.trials if kept[0].phase == "sweep"]
    for seed in range(1, 6):
        full.rerun("conv", [0.5, 0.6, 0.7, 0.9], "completed", theta=BEST, seed=seed)
    assert math.isnan(judge_fairness(first(full)).near)


def test_three_seeds_do_not_tell_what_is_near(full) -> None:
    """Nor, then, that all that is near lies on an edge."""
    full.spec["space"] = GRID
    found = judge_fairness(first(full))
    assert math.isnan(found.near)
    assert found.edges == ()


def test_who_broke_down_is_far_from_what_was_selected_and_nothing_is_near(five) -> None:
    five.rerun("conv", [None], "diverged", theta=BEST, seed=6, status="diverged")
    found = judge_fairness(first(five))
    assert found.rerun == pytest.approx(460 / 6)  # With one at 0 %.
    assert found.gap == pytest.approx(90 - 460 / 6)
    assert math.isnan(found.near)  # All lie within that spread.
    five.rerun("conv", [0.1], "failed", theta=BEST, seed=7, status="failed", error="x")
    assert math.isnan(judge_fairness(first(five)).gap)


def test_a_collapsed_trial_is_not_a_diverged_one(full) -> None:
    """Best 90 % at epoch 4, 95 % at epoch 1: the levels are 45 % and 47.5 %."""
    for gain, accuracies, status in (
        (0.5, [0.1, 0.2, 0.3, 0.449], "completed"),
        (0.6, [0.1, 0.2, 0.3, 0.451], "completed"),
        (0.7, [0.474], "stopped"),
        (0.8, [0.476], "stopped"),
    ):
        full.sweep("conv", accuracies, status, theta=Hyperparameters(0.2, 0.9, 1e-5, gain))
    full.sweep("conv", [0.1], "failed", status="failed", error="x", theta=Hyperparameters(0.3, 0.9, 1e-5, 1.0))
    found = judge_fairness(first(full))
    assert found.ended == 8
    assert (found.diverged, found.collapsed, found.broken) == (1 / 8, 2 / 8, 3 / 8)


@pytest.mark.parametrize(("classes", "down"), [(2, 2), (10, 0), (None, 0)])
def test_with_two_classes_half_of_the_best_is_guessing(folder, classes, down) -> None:
    """Best 96 %: half of it, 48 %, is less than a coin gets; halfway from 50 to 96 is 73 %."""
    folder.spec["classes"] = classes
    for gain, accuracy in ((0.5, 0.96), (1.0, 0.50), (1.5, 0.72), (2.0, 0.74)):
        folder.sweep("conv", [0.5, 0.5, 0.5, accuracy], "completed", theta=Hyperparameters(0.1, 0.9, 1e-5, gain))
    assert judge_fairness(first(folder)).collapsed == down / 4


def test_nothing_rerun_and_nothing_ended(folder) -> None:
    folder.sweep("conv", [0.5], None)
    found = judge_fairness(first(folder))
    assert found.ended == 0
    assert all(math.isnan(value) for value in (found.diverged, found.selected, found.gap, found.near))


def test_edges_of_a_grid(five) -> None:
    five.spec["space"] = GRID
    assert find_edges(first(five)) == ("lr = 0.0316 (lowest)", "momentum = 0.9 (highest)")


def test_an_edge_that_others_as_good_are_not_on_is_none(five) -> None:
    """Nine in ten points of a 4 x 4 x 4 x 4 grid lie on an edge: that alone says nothing."""
    five.spec["space"] = GRID
    five.sweep("conv", [0.1, 0.2, 0.3, 0.89], "completed", theta=Hyperparameters(0.1, 0.9, 3.16e-5, 1.0))
    assert find_edges(first(five)) == ("momentum = 0.9 (highest)",)
    five.sweep("conv", [0.1, 0.2, 0.3, 0.89], "completed", theta=Hyperparameters(0.1, 0.0, 3.16e-5, 1.0))
    assert find_edges(first(five)) == ()


@pytest.mark.parametrize(("value", "side"), [(0.0, ""), (0.5, ""), (0.9, "highest")])
def test_nothing_lies_below_a_momentum_of_zero(value, side) -> None:
    assert _summarize_side(value, "choice", GRID["momentum"]["choice"]) == side


@pytest.mark.parametrize(("value", "side"), [(0.0105, "lowest"), (0.1, ""), (0.95, "highest")])
def test_edges_of_a_logarithmic_range(value, side) -> None:
    """A twentieth of 0.01 to 1 in logarithms ends at 0.0126 and begins at 0.794."""
    assert _summarize_side(value, "loguniform", [0.01, 1.0]) == side


@pytest.mark.parametrize("ends", [[0.0, 0.9], [0.03, 0.03]])
def test_nothing_lies_below_zero_in_a_range_either_nor_beyond_a_single_value(ends) -> None:
    assert _summarize_side(0.03, "uniform", ends) == ""


def test_single_values_and_given_configurations_have_no_edges(full) -> None:
    full.spec["space"] = {"name": "one"} | {name: {"choice": [value]} for name, value in BEST.as_dict().items()}
    assert find_edges(first(full)) == ()
    full.spec["samples"] = None
    assert find_edges(first(full)) == ()


@pytest.mark.parametrize(("value", "side"), [(8, "lowest"), (10, "lowest"), (11, ""), (64, "highest")])
def test_edges_of_whole_numbers(value, side) -> None:
    """A twentieth of 8 to 64 is 2.8."""
    assert _summarize_side(value, "randint", [8, 64]) == side


def test_words_and_truth_values_have_no_edge(mixed) -> None:
    """The incumbent has the last activation and bias of the space, and is the only near-optimal configuration."""
    candidates = {one.architecture: one for one in gather([read_run(mixed.write())]).candidates}
    assert find_edges(candidates[OWN]) == ("weight_decay = 1e-5 (lowest)", "width = 64 (highest)")
    assert find_edges(candidates[NET]) == ("weight_decay = 1e-5 (lowest)",)
    assert judge_fairness(candidates[NET]).planned == 128


def test_each_row_of_near_optimal_configurations_has_what_its_architecture_takes(mixed) -> None:
    cells: Any = TABLES["near"].build(read_run(mixed.write())).cells.set_index("Architecture")
    assert list(cells) == [
        *("lr", "momentum", "weight_decay", "gain", "activation", "bias", "width", "validation", "trial")
    ]
    shown = cells[["gain", "activation", "bias", "width", "validation"]]
    assert shown.loc["Convolutional"].tolist() == ["1.0", "-", "-", "-", "80.00"]
    assert shown.loc[OWN].tolist() == ["1.0", "gelu", "true", "64", "57.00"]
    assert shown.loc[NET].tolist() == ["-", "relu", "-", "-", "70.00"]
