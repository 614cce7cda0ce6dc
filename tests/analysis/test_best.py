"""The best of each architecture, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.best import build_best_table, find_bests
from analysis.records.reader import read_run
from spaces import Hyperparameters
from tests.analysis.conftest import NET, OWN

BEST = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)


def test_bests(full: Any) -> None:
    """Conv's reruns scored 90, 92 and 94 %, invariant's 80, 81 and 85 % (conftest.py)."""
    conv, invariant = find_bests(read_run(full.write()))
    assert (conv.architecture, conv.theta, conv.val_accuracy) == ("conv", BEST, 0.9)
    assert (conv.reruns.n, conv.reruns.mean, conv.reruns.std) == (3, pytest.approx(92), pytest.approx(2))
    assert conv.test_accuracy == 0.94
    assert (invariant.reruns.std, invariant.test_accuracy) == (pytest.approx(7**0.5), 0.85)


def test_ties_go_to_the_lower_loss(full: Any) -> None:
    better = full.rerun("conv", [0.5, 0.6, 0.7, 0.94], "completed", theta=BEST, seed=4, loss=0.4)
    full.rerun("conv", [0.5, 0.6, 0.7, 0.94], "completed", theta=BEST, seed=5, loss=0.6)
    assert find_bests(read_run(full.write()))[0].rerun == better


def test_unfinished_reruns_and_those_of_other_configurations_do_not_count(full: Any) -> None:
    full.rerun("conv", [0.99], None, theta=BEST, seed=4)
    full.rerun("conv", [0.99] * 4, "completed", seed=5)
    conv, _ = find_bests(read_run(full.write()))
    assert (conv.reruns.n, conv.test_accuracy) == (3, 0.94)


def test_nothing_was_rerun(folder: Any) -> None:
    trial = folder.sweep("conv", [0.1, 0.2, 0.3, 0.4], "completed")
    (conv,) = find_bests(read_run(folder.write()))
    assert (conv.incumbent, conv.rerun, conv.reruns.n) == (trial, None, 0)


def test_further_hyperparameters_come_back_as_they_were_asked_for(mixed: Any) -> None:
    """So that the configuration has the same id, which an int that became a float would change."""
    found = {best.architecture: best for best in find_bests(read_run(mixed.write()))}
    assert found[OWN].theta.further == {"activation": "gelu", "bias": True, "width": 64}
    assert [type(value) for value in found[OWN].theta.further.values()] == [str, bool, int]
    assert "gain" not in found[NET].theta.as_dict()
    trials = {trial.architecture: trial for trial, *_ in mixed.trials if trial.phase == "rerun"}
    assert {name: best.config_id for name, best in found.items()} == {
        name: trial.config_id for name, trial in trials.items()
    }
    assert found[OWN].theta == trials[OWN].theta


def test_the_table_has_pairs_where_architectures_take_different_ones(mixed: Any, full: Any) -> None:
    table = build_best_table(find_bests(read_run(mixed.write()))).set_index("architecture")
    assert table.loc[NET, "theta"] == "lr=0.1, momentum=0.5, weight_decay=1e-5, activation=relu"
    assert "theta = {lr, mom, wd, a}" in build_best_table(find_bests(read_run(full.write())))
