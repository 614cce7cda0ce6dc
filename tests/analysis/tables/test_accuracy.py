import dataclasses
import math
from typing import Any

import pandas as pd
import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.tables.accuracy import build_accuracy_rows
from spaces import Hyperparameters

BEST = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)
NAMES = ("conv", "invariant", "dct")
COUNTS = ["finished", "diverged", "failed", "unfinished", "not_started", "other"]


def rows_of(folder) -> Any:
    return rows_in(read_run(folder.write())).set_index("architecture")


def rows_in(run) -> Any:
    return build_accuracy_rows(gather([run]), run, NAMES)


def test_means_by_hand(full) -> None:
    rows = rows_of(full)
    assert rows.loc["conv", "mean_percent"] == pytest.approx(92.0)
    assert rows.loc["conv", "std_percent"] == pytest.approx(2.0)
    assert rows.loc["invariant", "mean_percent"] == pytest.approx(82.0)
    assert rows.loc["invariant", "std_percent"] == pytest.approx(math.sqrt(7.0))
    # t(0.975, 2) / sqrt(3) = 2.484138, from a printed table of t.
    assert rows.loc["conv", "ci_low_percent"] == pytest.approx(92 - 2 * 2.484138, abs=1e-5)
    assert rows.loc["conv", "ci_high_percent"] == pytest.approx(92 + 2 * 2.484138, abs=1e-5)
    assert rows.loc["conv", COUNTS].tolist() == [3, 0, 0, 0, 0, 0]
    assert rows.loc["conv", ["lr", "momentum", "weight_decay", "gain"]].tolist() == [0.0316, 0.9, 3.16e-5, 1.0]
    assert not any(name.startswith("published") for name in rows)  # These are digits, and the text's are MNIST.


def test_on_the_texts_data_its_numbers_stand_beside(full) -> None:
    full.spec["dataset"] = "mnist"
    rows = rows_of(full)
    assert rows.loc["conv", ["published_lr", "published_mean_percent", "published_std_percent"]].tolist() == [
        *(0.1, 97.3, 0.29)
    ]
    assert rows.loc["dct", "published_mean_percent"] == 98.1


def test_an_architecture_without_reruns_is_blank(full) -> None:
    row = rows_of(full).loc["dct"]
    assert row[["lr", "gain", "mean_percent", "std_percent", "ci_low_percent"]].isna().all()
    assert row[COUNTS].tolist() == [0] * 6


@pytest.mark.parametrize(
    ("accuracies", "outcome", "status", "count"),
    [
        ([], "failed", "failed", "failed"),
        ([0.1, 0.1, 0.1], None, "running", "unfinished"),
        ([0.1, 0.1, 0.1], "completed", "running", "unfinished"),
    ],
)
def test_the_mean_is_over_the_seeds_that_finished(full, accuracies, outcome, status, count) -> None:
    full.spec["rerun_seeds"] = 6
    full.rerun("conv", accuracies, outcome, theta=BEST, seed=4, status=status)
    row = rows_of(full).loc["conv"]
    assert row["mean_percent"] == pytest.approx(92.0)
    assert row["finished"] == 3
    assert row[count] == 1
    assert row[COUNTS].sum() == 6  # Two were not started.


@pytest.mark.parametrize(("rows", "outcome"), [([0.1, None], "diverged"), ([0.1, 0.1, 0.1, None], None)])
def test_a_diverged_seed_counts_as_chance(full, rows, outcome) -> None:
    full.spec.update(rerun_seeds=4, classes=10)
    full.rerun("conv", rows, outcome, theta=BEST, seed=4, status="diverged")
    row = rows_of(full).loc["conv"]
    assert row["mean_percent"] == pytest.approx((90 + 92 + 94 + 10) / 4)
    assert row[["finished", "diverged"]].tolist() == [3, 1]


def test_only_the_incumbents_configuration_counts(full) -> None:
    full.rerun("conv", [0.1] * 4, "completed", seed=9)  # At a theta that lost the sweep.
    row = rows_of(full).loc["conv"]
    assert row["mean_percent"] == pytest.approx(92.0)
    assert row[["finished", "other"]].tolist() == [3, 1]


def test_the_final_epoch_is_that_of_the_spec(full) -> None:
    full.spec["rerun_epochs"] = 3
    row = rows_of(full).loc["conv"]
    assert row["mean_percent"] == pytest.approx(70.0)
    assert row["std_percent"] == pytest.approx(0.0)


def test_one_seed_has_a_mean_and_no_spread(folder) -> None:
    folder.spec["samples"] = None
    folder.rerun("conv", [0.1, 0.2, 0.3, 0.4], "completed", seed=1)
    row = rows_of(folder).loc["conv"]
    assert row["mean_percent"] == pytest.approx(40.0)
    assert row[["std_percent", "ci_low_percent", "ci_high_percent"]].isna().all()
    assert row["not_started"] == 2


def test_the_order_of_trials_changes_nothing(full) -> None:
    run = read_run(full.write())
    shuffled = dataclasses.replace(
        run,
        trials=run.trials.sample(frac=1, random_state=3).reset_index(drop=True),
        epochs=run.epochs.sample(frac=1, random_state=4).reset_index(drop=True),
    )
    pd.testing.assert_frame_equal(rows_in(run), rows_in(shuffled))


def test_the_order_of_writing_changes_nothing(full) -> None:
    before = rows_of(full)
    full.path = full.path.with_name("again")
    full.shuffle(5)
    pd.testing.assert_frame_equal(before, rows_of(full))


def test_a_constant_shifts_only_means_and_ends(full) -> None:
    run = read_run(full.write())
    moved = dataclasses.replace(run, epochs=run.epochs.assign(test_accuracy=run.epochs["test_accuracy"] + 0.01))
    before, after = (rows_in(each) for each in (run, moved))
    for name in before:
        if name in ("mean_percent", "ci_low_percent", "ci_high_percent"):
            assert (after[name] - before[name]).dropna().tolist() == pytest.approx([1.0, 1.0])
        elif name == "std_percent":
            assert after[name].dropna().tolist() == pytest.approx(before[name].dropna().tolist())
        else:
            pd.testing.assert_frame_equal(before.filter([name]), after.filter([name]))
