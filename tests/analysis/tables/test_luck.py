"""Tables ``luck`` and ``luck-pairs``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from analysis.evidence import gather
from analysis.images import find_sample
from analysis.records.reader import read_run
from analysis.stats.images import measure_errors
from analysis.tables import TABLES
from analysis.tables.luck import say_if_luck_matters
from spaces import Hyperparameters
from spaces.specs.protocol import MAX_SEEDS
from tests.analysis.conftest import keep_predictions


@pytest.fixture
def searched(five: Any) -> Any:
    """``five`` with the predictions of its reruns and six more configurations that were trained to the end."""
    keep_predictions(five)
    for place in range(6):
        theta = Hyperparameters(0.1, 0.25, 1e-5, 0.5 + place / 10)
        five.sweep("conv", [0.1, 0.2, 0.3, 0.84 + place / 100], "completed", theta=theta)
        five.sweep("invariant", [0.1, 0.2, 0.3, 0.60 + place / 50], "completed", theta=theta)
    return five


@pytest.fixture
def raced(folder: Any) -> Any:
    """Three finalists on two seeds; the best on the sweep's seed, 95 %, was out with 85 %, and 89 and 91 won."""
    folder.spec.update(architectures=["conv"], samples=4, finalists=3, choice_seeds=2, classes=10, rerun_seeds=5)
    thetas = [Hyperparameters(lr, 0.5, 1e-5, 1.0) for lr in (0.1, 0.2, 0.3, 0.4)]
    for theta, accuracy in zip(thetas, (0.95, 0.9, 0.85, 0.7), strict=True):
        folder.sweep("conv", [0.1, 0.1, 0.1, accuracy], "completed", theta=theta)
    for theta, accuracies in zip(thetas, ((0.85,), (0.89, 0.91), (0.86, 0.84)), strict=False):
        for seed, accuracy in enumerate(accuracies, start=MAX_SEEDS + 1):
            folder.add("choice", "conv", [0.1, 0.1, 0.1, accuracy], "completed", theta=theta, seed=seed)
    for seed in range(5):
        folder.rerun("conv", [0.5, 0.5, 0.5, 0.88 + seed / 100], "completed", theta=thetas[1], seed=seed)
    return folder


def test_what_a_search_by_one_seed_would_find_again(searched: Any) -> None:
    run = read_run(searched.write())
    filled = TABLES["luck"].build(run)
    conv, invariant = filled.frame.to_dict("records")
    assert (conv["group"], conv["tried"], conv["completed"]) == ("Convolutional", 10, 8)
    assert 0 < conv["again"] < 1 - (1 - 1 / 10) ** 10 + 0.05
    assert conv["raced"] == 0
    assert conv["mean"] == pytest.approx(92)
    assert conv["seeds"] == pytest.approx(2 / math.sqrt(5))
    assert conv["low"] < 92 < conv["high"]
    one = gather([run]).candidates[0]
    sample, luck = find_sample(one), one.luck
    assert sample is not None
    assert luck is not None
    errors, search = measure_errors(sample), conv["search"] ** 2
    whole = errors.both**2 + search
    freedom = whole**2 / (search**2 / luck.luck.freedom + errors.both**4 / errors.freedom)
    assert 92 - conv["low"] == pytest.approx(scipy.stats.t.ppf(0.975, freedom) * math.sqrt(whole))
    assert conv["high"] == pytest.approx(min(100, 2 * 92 - conv["low"]))
    assert math.isnan(invariant["curse"])
    assert "Taken for granted: the scheduler" in " ".join(filled.notes)


def test_where_a_seed_collapsed_no_interval_is_given(searched: Any) -> None:
    theta = next(trial.theta for trial, *_ in searched.trials if trial.phase == "rerun")
    searched.rerun("conv", [0.1, 0.1, 0.1, 0.1], "completed", theta=theta, seed=9)
    run = read_run(searched.write())
    conv, invariant = TABLES["luck"].build(run).frame.to_dict("records")
    assert conv["mean"] == pytest.approx((5 * 92 + 10) / 6)
    assert math.isnan(conv["low"])
    assert invariant["low"] < 82 < invariant["high"]
    notes = TABLES["luck-pairs"].build(run).notes
    assert "Not tested, since seeds broke down: Convolutional and Invariant." in notes


def test_a_race_and_its_curse(raced: Any) -> None:
    """95 minus 85; the pooled standard deviation of the finalists is sqrt(2), with 2 degrees of freedom."""
    (row,) = TABLES["luck"].build(read_run(raced.write())).frame.to_dict("records")
    assert row["curse"] == pytest.approx(10)
    half = 4.302653 * math.sqrt(2)
    assert (row["curse_low"], row["curse_high"]) == pytest.approx((10 - half, 10 + half))
    assert row["again"] > 0.4
    assert row["raced"] > 0
    assert row["again"] + row["raced"] < 1  # A repetition in which neither of the best was drawn.
    assert row["search"] > 0


def test_a_diverged_seed_of_the_race_counts_as_guessing(raced: Any) -> None:
    theta = Hyperparameters(0.1, 0.5, 1e-5, 1.0)
    raced.trials = [kept for kept in raced.trials if kept[0].phase != "choice" or kept[0].theta != theta]
    raced.add("choice", "conv", [None], "diverged", theta=theta, seed=MAX_SEEDS + 1, status="diverged")
    (row,) = TABLES["luck"].build(read_run(raced.write())).frame.to_dict("records")
    assert row["curse"] == pytest.approx(85)


def test_the_difference_with_all_that_varies(searched: Any) -> None:
    run = read_run(searched.write())
    filled = TABLES["luck-pairs"].build(run)
    (row,), (images,) = (TABLES[name].build(run).frame.to_dict("records") for name in ("luck-pairs", "image-pairs"))
    assert row["difference"] == pytest.approx(10)
    assert (row["seeds_low"], row["images_low"]) == (images["seeds_low"], images["low"])
    assert row["low"] < row["images_low"] < row["images_high"] < row["high"]
    assert row["search"] + row["seeds"] + row["images"] == pytest.approx(1)
    conv, invariant = TABLES["luck"].build(run).frame["search"]
    by_seeds = (4 + 7) / 5
    assert row["search"] / row["seeds"] == pytest.approx((conv**2 + invariant**2) / by_seeds)
    assert filled.cells["and search"][0] == f"{row['low']:.2f} to {row['high']:.2f}"


def test_given_configurations_have_no_search(folder: Any) -> None:
    folder.spec["samples"] = None
    for name in ("conv", "invariant"):
        for seed in range(5):
            folder.rerun(name, [0.5, 0.5, 0.5, (80 + seed) / 100], "completed", seed=seed)
    keep_predictions(folder)
    run = read_run(folder.write())
    assert TABLES["luck"].build(run).cells.empty
    assert "No row, since a configuration was given" in TABLES["luck"].build(run).notes[0]
    notes = TABLES["luck-pairs"].build(run).notes
    assert any(note.startswith("Not tested, since a configuration was given, not searched") for note in notes)
    assert say_if_luck_matters(gather([run])) == []


def test_nothing_to_show(folder: Any) -> None:
    folder.sweep("conv", [0.1, 0.2, 0.3, 0.4], "completed")
    run = read_run(folder.write())
    assert "No rerun has finished yet" in " ".join(TABLES["luck"].build(run).notes)
    assert "Fewer than two architectures" in " ".join(TABLES["luck-pairs"].build(run).notes)


def test_the_sentence_of_the_summary(searched: Any) -> None:
    (said,) = say_if_luck_matters(gather([read_run(searched.write())]))
    assert "other seeds and test images, Convolutional minus Invariant is +10.00 points" in said
    assert "by seeds alone 6.53 to 13.47" in said
    shares = [int(part.split(" %")[0].split()[-1]) for part in said.split("variance is roughly ")[1].split(", ")]
    assert np.sum(shares) == pytest.approx(100, abs=1)
