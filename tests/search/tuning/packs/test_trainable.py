"""The worker of a pack as Tune drives it, without Ray: every lane is on record as if alone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from models import own
from search.cluster.resources import Resources
from search.datasets import Split
from search.storage import trial_folder
from search.storage.trial_folder import TrialFolder
from search.training import pack as packing
from search.training.loop import Training
from search.training.pack import PackTraining
from search.tuning.packs import trainable
from search.tuning.packs.lanes import REPORTS, make_pack_config
from search.tuning.packs.trainable import RecordedPack
from spaces import Hyperparameters, TrialSpec

EPOCHS = 4


@pytest.fixture(autouse=True)
def singly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each epoch is committed by itself, however long that takes."""
    monkeypatch.setattr(trainable, "COMMITS", 0.0)


@pytest.fixture
def trials(trial: TrialSpec) -> list[TrialSpec]:
    """Three that learn."""
    return [replace(trial, theta=Hyperparameters(lr, 0.5, 1e-4, 1.0)) for lr in (0.02, 0.05, 0.1)]


def set_up(
    trials: Sequence[TrialSpec], split: Split, run: Path, epochs: int = EPOCHS, awake: Sequence[TrialSpec] | None = None
) -> RecordedPack:
    plain = [trial.as_dict() for trial in trials]
    ids = [trial.trial_id for trial in (trials if awake is None else awake)]
    config = make_pack_config(plain, ids, {"trial": plain[0], "max_epochs": epochs, "rung": False})
    worker = RecordedPack.__new__(RecordedPack)
    worker.setup(config, split=split, run=str(run), resources=Resources(pack=8))
    return worker


def finish(worker: RecordedPack) -> list[dict[str, Any]]:
    """The reports of lanes, in the order in which they came."""
    told: list[dict[str, Any]] = []
    for _ in range(100):
        result = worker.step()
        told += [{"trial": name, **report} for name, report in result[REPORTS]]
        if result["done"]:
            return told
    raise AssertionError("it has no end")


def read(run: Path, trial: TrialSpec) -> TrialFolder:
    folder = TrialFolder(run, trial)
    folder.read()
    return folder


def metrics(folder: TrialFolder) -> list[dict[str, Any]]:
    return [{key: row[key] for key in ("epoch", "train_loss", "val_loss", "val_accuracy")} for row in folder.rows]


def test_each_lane_has_the_record_of_its_trial(
    trials: list[TrialSpec], diverging: TrialSpec, split: Split, tmp_path: Path
) -> None:
    told = finish(set_up([*trials, diverging], split, tmp_path))
    for trial in trials:
        folder, alone = read(tmp_path, trial), Training(trial, split, engine="torch")
        expected = [alone.run_epoch() for _ in range(EPOCHS)]
        assert [row["epoch"] for row in folder.rows] == [1, 2, 3, 4]
        assert [row["train_loss"] for row in folder.rows] == pytest.approx([e.train_loss for e in expected], rel=1e-5)
        assert [row["val_accuracy"] for row in folder.rows] == [epoch.accuracy for epoch in expected]
        assert (folder.status, folder.has_checkpoint(), folder.epoch) == ("running", True, EPOCHS)
        assert {maker["engine"] for maker in folder.makers} == {"pack"}
        mine = [report for report in told if report["trial"] == trial.trial_id]
        assert [(report["epoch"], report["done"]) for report in mine] == [(1, False), (2, False), (3, False), (4, True)]
        assert not any(report["again"] for report in mine)
    lost = read(tmp_path, diverging)
    assert (lost.status, lost.epoch, lost.has_checkpoint()) == ("diverged", 1, False)
    assert lost.rows[0]["val_accuracy"] is None
    assert [(r["epoch"], r["done"]) for r in told if r["trial"] == diverging.trial_id] == [(1, True)]
    for trial in (*trials, diverging):  # Their locks are free again.
        TrialFolder(tmp_path, trial).open()


def test_lanes_that_a_kill_left_at_different_epochs_end_as_if_it_had_not_been(
    trials: list[TrialSpec], diverging: TrialSpec, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kill(BaseException):
        pass

    lanes = [trials[0], diverging, *trials[1:]]
    finish(set_up(lanes, split, tmp_path / "whole"))
    commit, left = trial_folder.TrialFolder.commit, [8]

    def commit_or_die(folder: TrialFolder, *args: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Kill
        commit(folder, *args, **more)

    monkeypatch.setattr(trial_folder.TrialFolder, "commit", commit_or_die)
    run, worker = tmp_path / "killed", set_up(lanes, split, tmp_path / "killed")
    with pytest.raises(Kill):
        finish(worker)
    worker.cleanup()
    monkeypatch.undo()
    assert [read(run, trial).epoch for trial in lanes] == [3, 1, 2, 2]
    told = finish(set_up(lanes, split, run, awake=[lanes[0], *lanes[2:]]))
    assert [(report["epoch"], report["again"]) for report in told[:3]] == [(3, True), (2, True), (2, True)]
    assert len(told) == 3 + 1 + 2 + 2
    for trial in trials:
        assert metrics(read(run, trial)) == metrics(read(tmp_path / "whole", trial))


def test_without_a_checkpoint_epochs_are_trained_again_and_their_rows_stay(
    trials: list[TrialSpec], split: Split, tmp_path: Path
) -> None:
    worker = set_up(trials, split, tmp_path)
    for _ in range(2):
        worker.step()
    worker.cleanup()
    before = [read(tmp_path, trial) for trial in trials]
    before[1].checkpoint.unlink()
    finish(set_up(trials, split, tmp_path))
    finish(set_up(trials, split, tmp_path / "whole"))
    for trial, old in zip(trials, before, strict=True):
        assert read(tmp_path, trial).rows[:2] == old.rows
        assert metrics(read(tmp_path, trial)) == metrics(read(tmp_path / "whole", trial))
    assert not read(tmp_path, trials[0]).notes
    (note,) = read(tmp_path, trials[1]).notes
    assert note.startswith("epochs 1 to 2 were trained again: their checkpoint was missing")


def test_an_error_is_that_of_the_lane_that_alone_has_it(
    trials: list[TrialSpec], split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = PackTraining.run_epoch

    def run_epoch(pack: PackTraining) -> Any:
        if any(spec == trials[1] for spec in pack._specs) and pack.epoch == 2:
            raise RuntimeError("a bug")
        return train(pack)

    monkeypatch.setattr(PackTraining, "run_epoch", run_epoch)
    told = finish(set_up(trials, split, tmp_path))
    failed = read(tmp_path, trials[1])
    assert (failed.status, failed.epoch) == ("failed", 2)
    assert "RuntimeError: a bug" in (failed.error or "")
    assert 'raise RuntimeError("a bug")' in (failed.error or "")  # The traceback is whole.
    assert [report["done"] for report in told if report["trial"] == trials[1].trial_id] == [False, False, True]
    for trial in (trials[0], trials[2]):
        folder = read(tmp_path, trial)
        assert (folder.status, folder.epoch) == ("running", EPOCHS)
        assert folder.notes[0] == "its pack of 3 trials was split: RuntimeError: a bug"


def test_a_gpu_without_memory_is_not_broken(
    trials: list[TrialSpec], split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = PackTraining.run_epoch

    def run_epoch(pack: PackTraining) -> Any:
        if len(pack._specs) > 1:
            raise torch.AcceleratorError("CUDA error: out of memory")
        return train(pack)

    monkeypatch.setattr(PackTraining, "run_epoch", run_epoch)
    finish(set_up(trials, split, tmp_path))
    for trial in trials:
        folder = read(tmp_path, trial)
        assert (folder.status, folder.epoch) == ("running", EPOCHS)
        assert folder.notes == ["its pack of 3 trials was split: AcceleratorError: CUDA error: out of memory"]


def test_a_broken_gpu_is_no_fault_of_a_lane(
    trials: list[TrialSpec], split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more can be done in the worker's process; Tune starts another one, which goes on."""
    train = PackTraining.run_epoch

    def run_epoch(pack: PackTraining) -> Any:
        if pack.epoch == 2:
            raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
        return train(pack)

    monkeypatch.setattr(PackTraining, "run_epoch", run_epoch)
    worker = set_up(trials, split, tmp_path)
    with pytest.raises(torch.AcceleratorError):
        finish(worker)
    worker.cleanup()
    for trial in trials:
        folder = read(tmp_path, trial)
        assert (folder.status, folder.epoch, folder.notes) == ("running", 2, [])


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Those of the packs that are begun, on a device whose memory holds two lanes."""
    sizes: list[int] = []

    class Engine(packing.PackEngine):
        def __init__(self, description: Any, template: Any, thetas: Any, *args: Any, **more: Any):
            sizes.append(len(thetas))
            if len(thetas) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            super().__init__(description, template, thetas, *args, **more)

    monkeypatch.setattr(packing, "PackEngine", Engine)
    return sizes


def test_a_lack_of_memory_makes_smaller_packs(
    trials: list[TrialSpec], split: Split, tmp_path: Path, sizes: list[int]
) -> None:
    five = [*trials, *(replace(trials[0], theta=Hyperparameters(lr, 0.0, 0.0, 1.0)) for lr in (0.01, 0.03))]
    finish(set_up(five, split, tmp_path))
    assert sizes == [5, 2, 2, 1]
    assert {maker["lanes"] for trial in five for maker in read(tmp_path, trial).makers} == {"2", "1"}
    assert [read(tmp_path, trial).epoch for trial in five] == [EPOCHS] * 5
    assert "split: OutOfMemoryError: CUDA out of memory" in read(tmp_path, five[0]).notes[0]


def test_idle_lanes_are_the_first_to_go_for_lack_of_memory(
    trials: list[TrialSpec], split: Split, tmp_path: Path, sizes: list[int]
) -> None:
    lanes = [*trials, *(replace(trials[0], theta=Hyperparameters(lr, 0.0, 0.0, 1.0)) for lr in (0.01, 0.03))]
    finish(set_up(lanes, split, tmp_path, awake=trials[:2]))
    assert sizes == [5, 2]


LAYER = """
from torch import nn
import torch.nn.functional as F

class Mine(nn.Module):
    def __init__(self, in_channels, out_channels, drop=0.0):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.drop = drop

    def forward(self, x):
        y = self.conv(x)
        return F.dropout(y, self.drop, self.training) if self.drop else y
"""


def test_a_value_for_which_a_layer_of_ones_own_cannot_be_mapped_is_trained_alone(
    trials: list[TrialSpec], split: Split, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(LAYER)
    name = own.register(own.Reference.parse(f"{tmp_path / 'mine.py'}:Mine")).name
    try:
        mine = [
            replace(each, architecture=name, theta=Hyperparameters.from_mapping({**each.theta, "drop": 0.5}))
            for each in trials
        ]
        told = finish(set_up(mine, split, tmp_path, epochs=2))
        alone = [Training(each, split, engine="torch") for each in mine]
        expected = [[training.run_epoch().train_loss for _ in range(2)] for training in alone]
    finally:
        del own.REGISTERED[name]
    assert [[report["done"] for report in told if report["trial"] == each.trial_id] for each in mine] == [
        [False, True]
    ] * 3
    for each, losses in zip(mine, expected, strict=True):
        folder = read(tmp_path, each)
        assert (folder.status, folder.epoch, folder.makers[0]["engine"]) == ("running", 2, "torch")
        assert [row["train_loss"] for row in folder.rows] == losses
        assert "it was trained alone, because a pack cannot: RuntimeError: vmap" in folder.notes[-1]
        TrialFolder(tmp_path, each).open()  # Its lock is free again.


def test_a_resting_lane_is_not_touched(trials: list[TrialSpec], split: Split, tmp_path: Path) -> None:
    finish(set_up(trials, split, tmp_path / "whole"))
    finish(set_up(trials, split, tmp_path / "part", awake=trials[1:]))
    assert not (tmp_path / "part" / "trials" / trials[0].trial_id).exists()
    for trial in trials[1:]:
        assert metrics(read(tmp_path / "part", trial)) == metrics(read(tmp_path / "whole", trial))


def test_lanes_go_on_from_their_rung(trials: list[TrialSpec], split: Split, tmp_path: Path) -> None:
    told = finish(set_up(trials, split, tmp_path, epochs=2))
    assert [report["epoch"] for report in told] == [1, 1, 1, 2, 2, 2]
    shutil.copytree(tmp_path / "trials", tmp_path / "copy" / "trials")
    told = finish(set_up(trials[1:], split, tmp_path))
    assert [(report["epoch"], report["again"]) for report in told] == [(2, True)] * 2 + [(3, False)] * 2 + [
        (4, False)
    ] * 2
    assert [read(tmp_path, trial).epoch for trial in trials] == [2, 4, 4]


def test_a_rerun_keeps_its_predictions(trials: list[TrialSpec], split: Split, tmp_path: Path) -> None:
    rerun = replace(trials[2], phase="rerun", split_seed=None)
    finish(set_up([rerun], split, tmp_path))
    folder, alone = read(tmp_path, rerun), Training(rerun, split, engine="torch")
    for _ in range(EPOCHS):
        alone.run_epoch()
    assert folder.predictions == alone.predict()
    assert folder.rows[-1]["test_accuracy"] > 0.5


def test_a_trial_that_is_no_lane_is_trained_alone(trial: TrialSpec, split: Split, tmp_path: Path) -> None:
    worker = set_up([trial], split, tmp_path)
    worker.reset_config({"trial": trial.as_dict(), "max_epochs": 2})
    assert [worker.step()["epoch"] for _ in range(2)] == [1, 2]
    assert read(tmp_path, trial).makers[0]["engine"] != "pack"


def test_trouble_with_the_disk_is_no_lanes_fault(
    trials: list[TrialSpec], split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = set_up(trials, split, tmp_path)
    worker.step()

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", str(tmp_path))

    monkeypatch.setattr(trial_folder.TrialFolder, "commit", fail)
    result = worker.step()
    assert "No space left on device" in result["stop"]
    assert not result["done"]
    assert [read(tmp_path, trial).status for trial in trials] == ["running"] * 3
