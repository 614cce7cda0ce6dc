"""What ends a round of Tune without being a bug of invsearch."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import tune
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

from analysis.progress.left import Limits
from search.cluster.resources import Resources
from search.errors import Halted
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning import jobs
from search.tuning.feed import InTurn
from search.tuning.packs.lanes import REPORTS, make_pack_config
from search.tuning.policy import Policy
from search.tuning.progress import Progress
from search.tuning.scheduler import InOrder
from search.tuning.stopper import Interrupt
from spaces import Hyperparameters, TrialSpec


def ending(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Makes Tune's ``fit`` end with an error."""

    class Tuner:
        def __init__(self, *_: Any, **__: Any):
            pass

        def fit(self) -> None:
            raise error

    monkeypatch.setattr(tune, "Tuner", Tuner)
    monkeypatch.setattr(tune, "with_parameters", lambda trainable, **_: trainable)
    monkeypatch.setattr(tune, "with_resources", lambda trainable, _: trainable)


def run(folder: Path) -> None:
    progress = Progress("sweep", {}, Limits(1), [])
    job = jobs.Job(RunFolder(folder), None, InTurn([], 1), InOrder(), progress)  # type: ignore[arg-type]
    jobs.execute(job, Resources(), 1, Policy())


def test_no_trial_begins_once_the_time_is_up() -> None:
    theta = Hyperparameters(0.1, 0.5, 0.0, 1.0)
    trials = [TrialSpec("sweep", "conv", "digits", "ab", theta, seed, 0, 16) for seed in range(3)]
    over: list[bool] = []
    limiter = jobs.Limiter(InTurn(trials, 1), 2, lambda: bool(over))
    assert isinstance(limiter.suggest("a"), dict)
    over.append(True)
    assert limiter.suggest("b") is None
    over.clear()
    assert isinstance(limiter.suggest("b"), dict)
    assert limiter.suggest("c") is None  # Two at once.


def test_workers_that_ray_kills_for_lack_of_memory_halt_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As ray.air's actor manager raises it, which takes this for a death of no worker.
    error = RuntimeError("Caught unexpected exception: ..")
    error.__cause__ = OutOfMemoryError("2 worker(s) were killed due to the node running low on memory.\nand so on")
    ending(monkeypatch, error)
    with pytest.raises(Halted) as halt:
        run(tmp_path)
    assert str(halt.value) == (
        "2 worker(s) were killed due to the node running low on memory; give each trial more of a node "
        "(--cpus-per-trial)"
    )


def test_another_error_of_tune_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ending(monkeypatch, RuntimeError("Caught unexpected exception: .."))
    with pytest.raises(RuntimeError, match="unexpected"):
        run(tmp_path)


def test_a_full_disk_halts_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ending(monkeypatch, OSError(28, "No space left on device", "/runs/one"))
    with pytest.raises(Halted, match="/runs/one: No space left on device"):
        run(tmp_path)


def test_a_tune_that_ends_nothing_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ending(monkeypatch, RuntimeError())
    monkeypatch.setattr(tune.Tuner, "fit", lambda self: None)
    with pytest.raises(Halted, match="Ray Tune ended before any trial did, 0 epochs were trained"):
        run(tmp_path)


def test_workers_that_die_before_they_begin_end_the_run_and_blame_no_trial(tmp_path: Path) -> None:
    (tmp_path / "error").write_bytes(pickle.dumps(RayActorError(error_msg="The actor died.\nIts owner is gone.")))
    told = SimpleNamespace(pickled_error_filename="error")
    trial = SimpleNamespace(trial_id="a", run_metadata=told, pickled_error_file=tmp_path / "error", max_failures=-1)
    interrupt, progress = Interrupt(), Progress("sweep", {}, Limits(1), [])
    job = jobs.Job(RunFolder(tmp_path), None, InTurn([], 1), InOrder(), progress)  # type: ignore[arg-type]
    outcomes = jobs.Outcomes(job, interrupt, None, Counter(), slots=2)  # type: ignore[arg-type]
    for _ in range(6):
        outcomes.on_trial_recover(0, [], trial)
    assert not interrupt.stop_all()
    outcomes.on_trial_start(0, [], SimpleNamespace(trial_id="b"))  # Another one begins: the count does too.
    for _ in range(7):
        assert not interrupt.stop_all()
        outcomes.on_trial_recover(0, [], trial)
    assert interrupt.stop_all()
    assert interrupt.reason == "7 workers in a row died before they began: Its owner is gone."
    assert trial.max_failures == -1


@pytest.mark.parametrize("broken", [False, True])
def test_a_trial_whose_workers_die_has_failed_in_or_after_the_first_epoch_without_record(
    tmp_path: Path, trial: TrialSpec, broken: bool
) -> None:
    """Where short epochs are committed together nobody knows in which it was. An error is told without colours."""
    error = RayTaskError("train", "\033[36mtrain()\033[39m\nCUDA error: device-side assert triggered", RuntimeError())
    (tmp_path / "error").write_bytes(pickle.dumps(error))
    told = SimpleNamespace(pickled_error_filename="error" if broken else None)
    asked = SimpleNamespace(
        trial_id="a",
        run_metadata=told,
        pickled_error_file=tmp_path / "error",
        max_failures=-1,
        config={"trial": trial.as_dict(), "max_epochs": 3},
    )
    interrupt, progress = Interrupt(), Progress("sweep", {}, Limits(1), [])
    run = RunFolder(tmp_path)
    run._lock.take()
    job = jobs.Job(run, None, InTurn([], 1), InOrder(), progress)  # type: ignore[arg-type]
    outcomes = jobs.Outcomes(job, interrupt, None, Counter(), slots=2)  # type: ignore[arg-type]
    folder = TrialFolder(tmp_path, trial)
    for death in range(4):
        folder.read()
        assert (folder.status, asked.max_failures) == ("running", -1), death
        outcomes.on_trial_start(0, [], asked)
        outcomes.on_trial_recover(0, [], asked)
        assert interrupt.reason is None
    folder.read()
    assert (folder.status, asked.max_failures) == ("failed", 0)
    cause = "the last time by this error:\ntrain()\nCUDA error: device-side assert triggered"
    assert (
        folder.error
        == f"its worker died 4 times in or after epoch 1, {cause if broken else 'perhaps for lack of memory'}"
    )


def test_lanes_that_are_done_do_not_fail_with_the_worker_of_their_pack(tmp_path: Path, trial: TrialSpec) -> None:
    done, left = trials = [replace(trial, theta=Hyperparameters(lr, 0.0, 0.0, 1.0)) for lr in (0.01, 0.02)]
    run = RunFolder(tmp_path)
    run._lock.take()
    for each, epochs in ((done, 3), (left, 2)):
        folder = TrialFolder(tmp_path, each)
        folder.open()
        for epoch in range(1, epochs + 1):
            row = {"epoch": epoch, "train_loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 1.0, "time": 0.0}
            folder.commit(row, "running", {"engine": "pack"}, lambda path, record: path.write_text("x"))
        folder.close()
    config = make_pack_config(
        [each.as_dict() for each in trials], [each.trial_id for each in trials], {"max_epochs": 3, "rung": True}
    )
    told = SimpleNamespace(pickled_error_filename=None)
    pack = SimpleNamespace(trial_id="pack", run_metadata=told, max_failures=-1, config=config)
    progress = Progress("sweep", {}, Limits(1), [])
    job = jobs.Job(run, None, InTurn(trials, 2), InOrder(), progress)  # type: ignore[arg-type]
    outcomes = jobs.Outcomes(job, Interrupt(), None, Counter(), slots=1)  # type: ignore[arg-type]
    progress.mark_waiting = lambda trial: None  # type: ignore[method-assign]
    outcomes.on_trial_start(0, [], pack)
    last = {"epoch": 3, "accuracy": 0.5, "status": "running", "seconds": 0.0, "again": False, "done": True}
    outcomes.on_trial_result(0, [], pack, {REPORTS: [(done.trial_id, last)]})
    for _ in range(4):
        outcomes.on_trial_start(0, [], pack)
        outcomes.on_trial_recover(0, [], pack)
    ends = []
    for each in trials:
        folder = TrialFolder(tmp_path, each)
        folder.read()
        ends.append((folder.epoch, folder.status))
    assert (ends, pack.max_failures) == ([(3, "running"), (2, "failed")], 0)
