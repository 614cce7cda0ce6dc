"""What is left, and how fast it goes; numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.progress.outlook import compute_epochs_per_minute, find_last_ended, list_parts
from analysis.records.reader import read_run
from spaces import SPACES, Hyperparameters
from spaces.specs.run import RunSpec
from tests.analysis.conftest import NET, OWN

BEST = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)


def spec(**changes: Any) -> dict[str, Any]:
    space = SPACES["table-1.2"].describe()
    base: dict[str, Any] = {"space": space, "search": "grid", "samples": 4, "grace_period": 2, "max_epochs": 4}
    return RunSpec("digits", "d" * 10, 16, 0, 0, ("conv", "invariant"), **(base | changes)).as_dict()


def thetas(count: int) -> list[Hyperparameters]:
    return [Hyperparameters(0.1 + n / 100, 0.5, 1e-5, 1.0) for n in range(count)]


def test_a_sweep_halfway(folder: Any) -> None:
    folder.spec = spec(reduction_factor=2.0, scheduler="asha")
    one, two, three = thetas(3)
    best = folder.sweep("conv", [0.1, 0.2, 0.3, 0.9], "completed", theta=one)
    folder.sweep("conv", [0.95, 0.95], "stopped", theta=two)
    folder.sweep("conv", [0.5], None, theta=three)
    conv, invariant = list_parts(read_run(folder.write()))
    assert (conv.architecture, conv.phase, conv.planned, conv.left, conv.ended) == ("conv", "sweep", 4, 2, 2)
    assert conv.counts == {"completed": 1, "stopped": 1, "diverged": 0, "failed": 0, "unfinished": 1}
    assert (conv.incumbent, conv.accuracy) == (best, 0.9)
    # Half of the trials goes on at epoch 2: 2 + 2/2 = 3 epochs each on average, and one epoch is there already.
    assert conv.epochs_left == 2 * 3 - 1
    assert (invariant.left, invariant.epochs_left, invariant.incumbent) == (4, 12.0, None)


def test_trials_that_diverged_tell_how_long_the_others_take(folder: Any) -> None:
    """Of 7 that began 4 diverged in epoch 1: 4 of 8 do, with one more that does not; the other half takes 4 epochs."""
    folder.spec = spec(samples=12, scheduler="none")
    for number, theta in enumerate(thetas(7)):
        rows, end = ([0.1], "diverged") if number < 4 else ([0.1] * 4, "completed")
        folder.sweep("conv", rows, end, theta=theta, status=end)
    conv, _ = list_parts(read_run(folder.write()))
    assert (conv.left, conv.epochs_left) == (5, 5 * (0.5 * 1 + 0.5 * 4))


def test_who_runs_and_how_the_incumbent_came_about(folder: Any) -> None:
    one, two = thetas(2)
    ended = {folder.sweep("conv", [0.1, 0.2, 0.3, 0.9], "completed", theta=one): 0.9}
    ended[folder.sweep("conv", [0.1, 0.2, 0.3, 0.4], "completed", theta=two)] = 0.4
    folder.sweep("conv", [0.5, 0.6], None, theta=BEST)
    folder.spec = spec(scheduler="none")
    conv, _ = list_parts(read_run(folder.write()))
    assert conv.course == [ended[min(ended)], 0.9]  # They ended in the same second, so by their ids.
    assert [str(going) for going in conv.going] == ["epoch 2 of 4, 60.00 %: {0.0316, 0.9, 3.16e-5, 1.0}"]


def test_with_halving_it_is_known_how_many_go_on(folder: Any) -> None:
    """The first to end are those that do not: 8 of 16 go on from epoch 2 to 4, and one lacks an epoch."""
    folder.spec = spec(samples=16, scheduler="halving", reduction_factor=2.0)
    for number, theta in enumerate(thetas(16)):
        folder.sweep("conv", [0.1] * (1 if number == 15 else 2), "stopped" if number < 8 else None, theta=theta)
    conv, _ = list_parts(read_run(folder.write()))
    assert (conv.left, conv.epochs_left) == (8, 1 + 8 * 2)


def test_completed_trials_that_are_to_be_longer_are_left(folder: Any) -> None:
    folder.spec = spec(max_epochs=6, scheduler="none", samples=1)
    folder.sweep("conv", [0.1, 0.2, 0.3, 0.4], "completed")
    conv, _ = list_parts(read_run(folder.write()))
    assert (conv.left, conv.epochs_left) == (1, 2.0)


def test_reruns_of_the_incumbent_count(full: Any) -> None:
    full.spec = spec(rerun_seeds=4, rerun_epochs=4)
    full.rerun("conv", [0.99] * 4, "completed", seed=1)  # Of a configuration that is no incumbent.
    sweep, _, conv, invariant = list_parts(read_run(full.write()))
    assert (sweep.phase, sweep.left) == ("sweep", 0)
    assert (conv.phase, conv.planned, conv.left, conv.epochs_left) == ("rerun", 4, 1, 4.0)
    assert conv.accuracy == pytest.approx(0.92)
    assert invariant.accuracy == pytest.approx(0.82)
    assert conv.incumbent is None


def test_a_run_of_given_configurations_has_no_sweep(folder: Any) -> None:
    given = {name: BEST.as_dict() for name in ("conv", "invariant")}
    folder.spec = spec(
        space=None,
        search=None,
        samples=None,
        thetas=given,
        grace_period=5,
        max_epochs=20,
        rerun_seeds=2,
        rerun_epochs=2,
    )
    folder.rerun("conv", [0.5, 0.6], "completed", theta=BEST, seed=1)
    conv, invariant = list_parts(read_run(folder.write()))
    assert (conv.phase, conv.left, conv.accuracy) == ("rerun", 1, 0.6)
    assert (invariant.left, invariant.epochs_left) == (2, 4.0)


def test_last_ended(folder: Any) -> None:
    first, second, third = thetas(3)
    folder.sweep("conv", [0.1, 0.2, 0.3], None, theta=first)
    late = folder.sweep("conv", [0.1, 0.2], "stopped", theta=second)
    early = folder.sweep("conv", [0.1], "stopped", theta=third)
    never = folder.sweep("conv", [], "failed", status="failed", error="x")
    found = find_last_ended(read_run(folder.write()), 5)
    assert list(found["trial_id"]) == [late, early, never]
    assert list(find_last_ended(read_run(folder.path), 1)["trial_id"]) == [late]


def test_epochs_per_minute(folder: Any) -> None:
    """The folder's epochs are a second apart, from 1.79e9 + 1 on."""
    folder.sweep("conv", [0.1] * 31, None)
    run = read_run(folder.write())
    start = 1.79e9 + 1
    assert compute_epochs_per_minute(run, start + 30, start - 5) == pytest.approx(60.0)
    assert compute_epochs_per_minute(run, start + 60, start - 5) == pytest.approx(30.0)  # Nothing came for 30 s.
    assert compute_epochs_per_minute(run, start + 30, start + 20) == pytest.approx(60.0)
    # Of long ago the last ten count, which took 9 s and were followed by 991 s of nothing.
    assert compute_epochs_per_minute(run, start + 1021, start - 5) == pytest.approx(60 * 9 / 1000)
    assert compute_epochs_per_minute(run, start + 30, start + 30) is None
    assert compute_epochs_per_minute(run, start + 30, start + 999) is None


def test_each_architecture_has_its_own_plan(mixed: Any) -> None:
    """Conv has 256 configurations and the network 128, of which one each has ended; see test_status."""
    parts = {part.architecture: part for part in list_parts(read_run(mixed.write())) if part.phase == "sweep"}
    assert {name: (part.planned, part.left) for name, part in parts.items()} == {
        "conv": (256, 255),
        OWN: (300, 296),
        NET: (128, 127),
    }
