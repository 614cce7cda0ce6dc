import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.records.reader import read_run
from analysis.render.cells import format_cell, format_compact, format_ratio, format_theta
from analysis.tables import TABLES
from tests.analysis.conftest import NET, OWN


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1.0, "1.0"),
        (0.0, "0.0"),
        (1e-5, "1e-5"),
        (3.16e-5, "3.16e-5"),
        (1e-4, "1e-4"),
        (0.0316, "0.0316"),
    ],
)
def test_compact_numbers(value, text) -> None:
    assert format_compact(value) == text


@given(st.floats(0, 1e9))
def test_compact_numbers_lose_nothing(value) -> None:
    assert float(format_compact(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (7.0, "7"), (7 / 9, "7/9"), (7 / 36, "7/36"), (7 / 4, "7/4"), (8.01587, "8.02"), (math.nan, "")],
)
def test_ratios(value, text) -> None:
    assert format_ratio(value) == text


def test_a_full_row(full) -> None:
    full.spec.update(rerun_seeds=4, dataset="mnist")
    theta = full.trials[1][0].theta
    full.rerun("conv", [0.1], "failed", theta=theta, seed=4, status="failed", error="x")
    cells = TABLES["1.4"].build(read_run(full.write())).cells
    assert cells.iloc[0].to_dict() == {
        "Architecture": "Convolutional",
        "theta = {lr, mom, wd, a}": "{0.0316, 0.9, 3.16e-5, 1.0}",
        "param": "1",
        "mults": "1",
        "mults + transform": "1",
        "mean": "92.0",
        "std": "2.00",
        "95 % CI": "87.0 to 97.0",
        "n": "3 of 4",
        "published theta": "{0.1, 0.5, 1e-5, 1.5}",
        "published param": "1",
        "published mults": "1",
        "published mean": "97.3",
        "published std": "0.29",
    }
    assert cells.iloc[1]["Architecture"] == "Invariant*"
    assert cells.iloc[1][["param", "mults", "mults + transform"]].tolist() == ["7/9", "7/36", "0.313"]
    assert cells.iloc[2][["theta = {lr, mom, wd, a}", "param", "mean", "std", "95 % CI", "n"]].tolist() == [""] * 6


def test_one_seed_shows_dashes(folder) -> None:
    folder.rerun("conv", [0.5] * 4, "completed", seed=1)
    cells = TABLES["1.3"].build(read_run(folder.write())).cells
    assert cells.iloc[0][["mean", "std", "95 % CI", "n"]].tolist() == ["50.0", "-", "-", "1 of 3"]


def test_a_diverged_seed_is_an_outcome(folder) -> None:
    folder.rerun("conv", [None], "diverged", seed=1, status="diverged")
    cells = TABLES["1.3"].build(read_run(folder.write())).cells
    assert cells.iloc[0][["mean", "std", "95 % CI", "n"]].tolist() == [
        "0.0",
        "-",
        "0.0 to 79.3",
        "1 of 3",
    ]  # Wilson of 0 in 1.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (np.int64(64), "64"),
        (0.5, "0.5"),
        (1.0, "1.0"),
        (True, "true"),
        (np.False_, "false"),
        ("relu", "relu"),
        (math.nan, "-"),
        (None, "-"),
        (pd.NA, "-"),
    ],
)
def test_a_hyperparameter_as_text(value, text) -> None:
    assert format_cell(value) == text


def test_a_configuration_as_text() -> None:
    theta = {"lr": 0.1, "momentum": 0.0, "weight_decay": 1e-5, "gain": math.nan, "bias": True, "kernel": 3}
    assert format_theta(theta, pairs=True) == "lr=0.1, momentum=0.0, weight_decay=1e-5, bias=true, kernel=3"
    assert format_theta({"lr": 0.1, "momentum": 0.5, "weight_decay": 1e-5, "gain": 1.5}, pairs=False) == (
        "{0.1, 0.5, 1e-5, 1.5}"
    )


def test_rows_of_a_run_with_further_hyperparameters_have_pairs(mixed, full) -> None:
    cells = TABLES["summary"].build(read_run(mixed.write())).cells
    four = "lr=0.1, momentum=0.5, weight_decay=1e-5"
    assert cells["Architecture"].tolist() == ["Convolutional", OWN, NET]
    assert cells["theta"].tolist() == [
        f"{four}, gain=1.0",
        f"{four}, gain=1.0, activation=gelu, bias=true, width=64",
        f"{four}, activation=relu",
    ]
    assert cells["mean"].tolist() == ["80.0", "90.0", "70.0"]
    mixed.spec["dataset"] = "mnist"
    known = TABLES["1.3"].build(read_run(mixed.write())).cells.iloc[0]
    assert known["published theta"] == "lr=0.1, momentum=0.5, weight_decay=1e-5, gain=1.5"
