"""Epochs that are committed together, and what becomes of them where the last one fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from search.cluster.resources import Resources
from search.datasets import Split
from search.storage import checkpoint
from search.storage.trial_folder import TrialFolder
from search.training.loop import Training
from search.tuning.trainable import RecordedTrial
from spaces import TrialSpec

Wrap = Callable[[Callable[[int], None], float | None], None]


@pytest.fixture
def train_on(split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Has a new worker train a trial until it is done; returns what it reports."""
    monkeypatch.setattr(RecordedTrial, "train", RecordedTrial.step)  # Tune's own adds what it counts.

    def train_on(trial: TrialSpec, epochs: int, alone: int = 0) -> list[dict[str, Any]]:
        made = RecordedTrial.__new__(RecordedTrial)
        config = {"trial": trial.as_dict(), "max_epochs": epochs}
        made.setup(config, split=split, run=str(tmp_path), resources=Resources())
        told = [made.step() for _ in range(alone)]
        try:
            while not (told and told[-1]["done"]):
                told += made.train_buffered(60.0)
                assert len(told) < 20
        except torch.AcceleratorError:
            made.cleanup()  # Its process ends.
            raise
        return told

    return train_on


@pytest.fixture
def when_trained(trial: TrialSpec, split: Split, monkeypatch: pytest.MonkeyPatch) -> Wrap:
    """Has something happen after the steps of each epoch, when the weights are other ones; or another loss."""
    engine: Any = type(Training(trial, split).engine)
    train = engine.train

    def wrap(happens: Callable[[int], None], loss: float | None) -> None:
        def train_and(self: Any, order: Any, epoch: int) -> float:
            found = train(self, order, epoch)
            happens(epoch)
            return found if loss is None or epoch != 3 else loss

        monkeypatch.setattr(engine, "train", train_and)

    return wrap


def read(run: Path, trial: TrialSpec) -> TrialFolder:
    folder = TrialFolder(run, trial)
    folder.read()
    return folder


def losses(trial: TrialSpec, split: Split, epochs: int) -> list[float]:
    undisturbed = Training(trial, split)
    return [undisturbed.run_epoch().loss for _ in range(epochs)]


@pytest.mark.parametrize("alone", [0, 1])
def test_an_error_leaves_the_epochs_before_it_on_record_with_their_checkpoint(
    trial: TrialSpec, split: Split, tmp_path: Path, train_on: Any, when_trained: Wrap, alone: int
) -> None:
    """It comes in the middle of the third epoch; the trial is then tried again, where nothing fails."""
    expected, broken = losses(trial, split, 5), [True]

    def fail(epoch: int) -> None:
        if epoch == 3 and broken:
            raise RuntimeError("the third epoch")

    when_trained(fail, None)
    told = train_on(trial, 5, alone)
    assert [(each["epoch"], each["status"]) for each in told] == [(1, "running"), (2, "running"), (2, "failed")]
    folder = read(tmp_path, trial)
    assert [row["val_loss"] for row in folder.rows] == expected[:2]
    assert "the third epoch" in str(folder.error)
    again = f"epochs {alone + 1} to 2 were trained again, one by one: RuntimeError: the third epoch"
    assert folder.notes == [again]
    assert folder.checkpoint == folder.find_checkpoint(2)
    state = checkpoint.load(folder.checkpoint)[0]
    assert (state["epoch"], len(list(folder.path.glob("checkpoint-*")))) == (2, 1)
    broken.clear()
    folder.reopen("tried again")
    assert [each["epoch"] for each in train_on(trial, 5)] == [2, 3, 4, 5]
    folder = read(tmp_path, trial)
    assert [row["val_loss"] for row in folder.rows] == expected
    assert folder.notes == [again, "tried again"]  # No checkpoint was refused.


def test_an_error_that_does_not_come_again_costs_time_and_leaves_a_note(
    trial: TrialSpec, split: Split, tmp_path: Path, train_on: Any, when_trained: Wrap
) -> None:
    expected, errors = losses(trial, split, 4), [MemoryError("not now")]

    def fail(epoch: int) -> None:
        if epoch == 3 and errors:
            raise errors.pop()

    when_trained(fail, None)
    assert [each["epoch"] for each in train_on(trial, 4)] == [1, 2, 3, 4]
    folder = read(tmp_path, trial)
    assert [row["val_loss"] for row in folder.rows] == expected
    assert folder.notes == ["epochs 1 to 2 were trained again, one by one: MemoryError: not now"]


def test_a_broken_gpu_is_no_fault_of_a_trial(
    trial: TrialSpec, split: Split, tmp_path: Path, train_on: Any, when_trained: Wrap
) -> None:
    expected, errors = losses(trial, split, 4), [torch.AcceleratorError("CUDA error: an illegal memory access")]

    def fail(epoch: int) -> None:
        if epoch == 3 and errors:
            raise errors.pop()

    when_trained(fail, None)
    with pytest.raises(torch.AcceleratorError):
        train_on(trial, 4)
    assert read(tmp_path, trial).status == "running"
    train_on(trial, 4)  # Another worker.
    folder = read(tmp_path, trial)
    assert [row["val_loss"] for row in folder.rows] == expected
    assert folder.notes == []


def test_predictions_that_fail_are_made_when_it_is_tried_again(
    trial: TrialSpec, split: Split, tmp_path: Path, train_on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = replace(trial, phase="rerun", split_seed=None)
    with monkeypatch.context() as broken:
        broken.setattr(Training, "predict", None)
        assert train_on(again, 3)[-1]["status"] == "failed"
    folder = read(tmp_path, again)
    assert (folder.epoch, checkpoint.load(folder.checkpoint)[0]["epoch"]) == (2, 2)
    folder.reopen("tried again")
    train_on(again, 3)
    undisturbed = Training(again, split)
    expected = [undisturbed.run_epoch().loss for _ in range(3)]
    folder = read(tmp_path, again)
    assert [row["test_loss"] for row in folder.rows] == expected
    assert folder.predictions == undisturbed.predict()


def test_divergence_ends_the_epochs_that_are_committed_together(
    trial: TrialSpec, split: Split, tmp_path: Path, train_on: Any, when_trained: Wrap
) -> None:
    expected = losses(trial, split, 2)
    when_trained(lambda epoch: None, float("inf"))
    told = train_on(trial, 5, alone=1)
    assert [(each["epoch"], each["status"], each["done"]) for each in told] == [
        (1, "running", False),
        (2, "running", False),
        (3, "diverged", True),
    ]
    assert told[-1]["accuracy"] == 0.0
    folder = read(tmp_path, trial)
    assert [row["val_loss"] for row in folder.rows] == [*expected, None]
    assert (folder.status, folder.notes) == ("diverged", [])


def test_epochs_are_reported_together_until_something_depends_on_the_last(
    trial: TrialSpec, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RecordedTrial, "train", RecordedTrial.step)  # Tune's own adds what it counts.

    def config(epochs: int) -> dict[str, Any]:
        return {"trial": trial.as_dict(), "max_epochs": epochs}

    def train_for(actor: RecordedTrial, seconds: float) -> list[tuple[int, bool]]:
        return [(told["epoch"], told["again"]) for told in actor.train_buffered(seconds)]

    options: dict[str, Any] = {"split": split, "run": str(tmp_path), "resources": Resources(), "rungs": (3,)}
    first, second = (RecordedTrial.__new__(RecordedTrial) for _ in range(2))
    first.setup(config(6), **options)
    assert train_for(first, 0.0) == [(1, False)]
    assert train_for(first, 60.0) == [(2, False), (3, False)]  # It may be stopped there.
    first.cleanup()
    second.setup(config(6), **options)
    assert train_for(second, 60.0) == [(3, True)]  # As where a killed driver has left it.
    assert train_for(second, 60.0) == [(4, False), (5, False), (6, False)]  # It is done.
    second.reset_config(config(8))
    assert train_for(second, 60.0) == [(6, True)]
    second._halted = "the disk is full"
    (told,) = second.train_buffered(60.0)
    assert told["stop"] == "the disk is full"
