import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.incumbents import find_incumbents
from analysis.records.reader import read_run
from spaces import Hyperparameters, TrialSpec
from tests.analysis.conftest import OWN

A, B, C = (Hyperparameters(lr, 0.5, 1e-5, 1.0) for lr in (0.1, 0.2, 0.3))


def config_id(architecture: str, theta: Hyperparameters) -> str:
    return TrialSpec("sweep", architecture, "digits", "d", theta, 0, 0, 1).config_id


def test_highest_final_accuracy_wins(folder) -> None:
    folder.sweep("conv", [0.1, 0.1, 0.99, 0.7], "completed", theta=A)  # Best on the way, not at the end.
    folder.sweep("conv", [0.1, 0.1, 0.1, 0.8], "completed", theta=B)
    folder.sweep("invariant", [0.1, 0.1, 0.1, 0.6], "completed", theta=C)
    best = find_incumbents(read_run(folder.write()))
    assert best["lr"].to_dict() == {"conv": 0.2, "invariant": 0.3}
    assert best["val_accuracy"].to_dict() == {"conv": 0.8, "invariant": 0.6}
    assert best["config_id"].to_dict() == {"conv": config_id("conv", B), "invariant": config_id("invariant", C)}


@pytest.mark.parametrize(
    ("accuracies", "outcome", "status"),
    [
        ([0.1, 0.1, 0.1, 0.99], "stopped", "running"),
        ([0.1, 0.1, 0.99], "completed", "running"),  # Completed at a smaller budget.
        ([0.1, 0.1, 0.1, 0.99], None, "running"),
        ([0.1, 0.1, 0.1, None], "diverged", "diverged"),
        ([0.1, 0.1, 0.1, 0.99], "failed", "failed"),
        ([], "failed", "failed"),
    ],
)
def test_only_completed_trials_at_the_full_budget_count(folder, accuracies, outcome, status) -> None:
    folder.sweep("conv", [0.1, 0.1, 0.1, 0.5], "completed", theta=A)
    folder.sweep("conv", accuracies, outcome, theta=B, status=status)
    folder.sweep("invariant", accuracies, outcome, theta=B, status=status)
    best = find_incumbents(read_run(folder.write()))
    assert best["lr"].to_dict() == {"conv": 0.1}


def test_ties_go_to_the_lower_loss_then_to_the_config_id(folder) -> None:
    for theta, loss in ((A, 0.3), (B, 0.2), (C, 0.4)):
        folder.sweep("conv", [0.5] * 4, "completed", theta=theta, loss=loss)
        folder.sweep("invariant", [0.5] * 4, "completed", theta=theta, loss=0.3)
    best = find_incumbents(read_run(folder.write()))
    assert best.loc["conv", "lr"] == 0.2
    assert best.loc["invariant", "config_id"] == min(config_id("invariant", theta) for theta in (A, B, C))


def test_test_results_are_never_looked_at(full) -> None:
    run = read_run(full.write())
    rng = np.random.default_rng(0)
    scrambled = run.trials.assign(
        test_accuracy=rng.random(len(run.trials)), test_loss=rng.random(len(run.trials)) * 9 - 4
    )
    epochs = run.epochs.assign(test_accuracy=rng.random(len(run.epochs)), test_loss=0.0)
    other = dataclasses.replace(run, trials=scrambled, epochs=epochs)
    pd.testing.assert_frame_equal(find_incumbents(run), find_incumbents(other))
    assert not any("test" in column for column in find_incumbents(run).columns)


def test_without_a_sweep_the_single_configuration_of_the_reruns(folder) -> None:
    folder.spec["samples"] = None
    for seed in (1, 2):
        folder.rerun("conv", [0.5] * 4, "completed", theta=A, seed=seed)
        folder.rerun("invariant", [0.5] * 4, "completed", theta=(A, B)[seed - 1], seed=seed)  # Two: nothing chose.
    best = find_incumbents(read_run(folder.write()))
    assert best["config_id"].to_dict() == {"conv": config_id("conv", A)}
    assert best["val_accuracy"].isna().tolist() == [True]


def test_reruns_do_not_stand_in_for_a_sweep_that_chose_nothing(folder) -> None:
    folder.sweep("conv", [0.5], "stopped", theta=A)
    folder.rerun("conv", [0.5] * 4, "completed", theta=A, seed=1)
    assert find_incumbents(read_run(folder.write())).empty


def test_an_empty_run_has_none(folder) -> None:
    assert find_incumbents(read_run(folder.write())).empty


def test_the_order_of_trials_changes_nothing(full) -> None:
    run = read_run(full.write())
    shuffled = dataclasses.replace(run, trials=run.trials.sample(frac=1, random_state=1).reset_index(drop=True))
    pd.testing.assert_frame_equal(find_incumbents(run), find_incumbents(shuffled))


def test_further_hyperparameters_of_an_incumbent(mixed) -> None:
    best: Any = find_incumbents(read_run(mixed.write()))
    further = ["activation", "bias", "width"]
    assert list(best) == [
        *("config_id", "trial_id", "lr", "momentum", "weight_decay", "gain"),
        *(*further, "val_accuracy", "val_loss", "choice_accuracy", "choice_seeds"),
    ]
    assert best.loc[OWN, further].tolist() == ["gelu", True, 64]
    assert best.loc["conv", further].isna().all()
