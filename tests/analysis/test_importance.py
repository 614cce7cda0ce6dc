import itertools
from typing import Any

import numpy as np
import pytest

from analysis.evidence import gather
from analysis.importance import importance
from analysis.records import read_run
from spaces import Hyperparameters

LEVELS = ([0.03, 0.1, 0.3], [0.0, 0.5], [1e-5, 1e-4], [0.5, 1.0])


def swept(folder, accuracy, levels=LEVELS, **spec) -> Any:
    folder.spec.update(grace_period=1, **spec)
    for number, theta in enumerate(itertools.product(*levels)):
        value = accuracy(number, *theta)
        if value is None:
            folder.sweep("conv", [None], "diverged", theta=Hyperparameters(*theta), status="diverged")
        else:
            folder.sweep("conv", [value], "stopped", theta=Hyperparameters(*theta))
    return importance(gather([read_run(folder.write())]).candidates[0]).set_index("term")


def test_a_balanced_grid_by_hand(folder) -> None:
    """Sums of squares of a balanced layout are plain sums over cell means: here exact, with a known rest."""
    random = np.random.default_rng(1)
    noise = random.normal(0, 0.01, 24)
    effect = {0.03: 0.5, 0.1: 0.7, 0.3: 0.6}
    table = swept(folder, lambda number, lr, momentum, wd, gain: effect[lr] + 0.1 * momentum + noise[number])
    grid = np.array(list(itertools.product(*LEVELS)))
    y = np.array([effect[lr] + 0.1 * momentum for lr, momentum, _, _ in grid]) + noise
    total = ((y - y.mean()) ** 2).sum()
    for place, name in enumerate(("lr", "momentum", "weight_decay", "gain")):
        means = [y[grid[:, place] == level].mean() for level in LEVELS[place]]
        between = sum(len(y) / len(means) * (mean - y.mean()) ** 2 for mean in means)
        assert table.loc[name, "share"] == pytest.approx(between / total)
    cells = [
        (
            y[(grid[:, 0] == lr) & (grid[:, 1] == momentum)].mean(),
            y[grid[:, 0] == lr].mean(),
            y[grid[:, 1] == momentum].mean(),
        )
        for lr in LEVELS[0]
        for momentum in LEVELS[1]
    ]
    crossed = sum(4 * (both - row - column + y.mean()) ** 2 for both, row, column in cells)
    assert table.loc["lr:momentum", "share"] == pytest.approx(crossed / total)
    assert table.loc[["lr", "momentum"], "matters"].all()
    assert not table.loc[["weight_decay", "gain"], "matters"].any()
    assert table["share"].sum() < 1


def test_two_that_matter_only_together(folder) -> None:
    random = np.random.default_rng(2)
    table = swept(
        folder,
        lambda number, lr, momentum, wd, gain: 0.5 + 0.2 * ((lr > 0.05) ^ (momentum > 0)) + random.normal(0, 0.01),
    )
    assert table["share"].idxmax() == "lr:momentum"
    assert bool(table.loc["lr:momentum", "matters"])


def test_diverged_trials_count_as_nothing_and_can_be_left_out(folder) -> None:
    random = np.random.default_rng(3)
    table = swept(
        folder,
        lambda number, lr, momentum, wd, gain: None if lr == 0.3 else 0.8 + 0.1 * momentum + random.normal(0, 0.001),
    )
    assert table.loc["lr", "share"] > 0.9
    assert table.loc["lr", "share_trained"] < 0.05
    assert table.loc["momentum", "share_trained"] > 0.9


def test_too_few_trials_for_pairs_and_for_anything(folder, make_folder) -> None:
    random = np.random.default_rng(4)
    short = ([0.03, 0.1], [0.0, 0.5], [1e-5, 1e-4], [0.5])
    table = swept(folder, lambda number, lr, *_: lr + random.normal(0, 0.001), short)
    assert sorted(table.index) == [
        "lr",
        "lr:momentum",
        "lr:weight_decay",
        "momentum",
        "momentum:weight_decay",
        "weight_decay",
    ]
    table = swept(
        make_folder("b"),
        lambda number, lr, *_: lr + random.normal(0, 0.001),
        ([0.03, 0.1, 0.3], [0.0, 0.5], [0.0], [1.0]),
    )
    assert list(table.index) == ["lr", "momentum"]
    assert len(swept(make_folder("c"), lambda number, *_: 0.1 * number, ([0.03, 0.1], [0.0], [0.0], [1.0]))) == 0
    assert len(swept(make_folder("d"), lambda *_: 0.5)) == 0  # All alike.


def test_a_continuous_space_is_taken_in_bins(folder) -> None:
    random = np.random.default_rng(5)
    folder.spec["grace_period"] = 1
    for _ in range(120):
        lr = float(np.round(10 ** random.uniform(-2, 0), 5))
        theta = Hyperparameters(lr, float(np.round(random.uniform(0, 0.9), 4)), 0.0, 1.0)
        folder.sweep("conv", [0.9 - 0.2 * abs(np.log10(lr) + 1)], "stopped", theta=theta)
    table = importance(gather([read_run(folder.write())]).candidates[0]).set_index("term")
    assert table["share"].idxmax() == "lr"
    assert not bool(table.loc["momentum", "matters"])
