"""The Trainable as Tune drives it, without Ray."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.own import OwnArchitecture, Parcel, Reference, Sources, pack, register
from search.cluster.resources import Resources
from search.datasets import Split
from search.storage.driver import DriverLock, Guard
from search.storage.file_lock import Lock
from search.storage.provenance import describe_expected_nodes
from search.storage.trial_folder import TrialFolder
from search.training import engines
from search.training.loop import Training
from search.tuning.trainable import RecordedTrial, report
from spaces import TrialSpec


def config(trial: TrialSpec, max_epochs: int = 3) -> dict[str, Any]:
    return {"trial": trial.as_dict(), "max_epochs": max_epochs}


@pytest.fixture
def actor(trial: TrialSpec, split: Split, tmp_path: Path) -> RecordedTrial:
    """A worker that has been set up but has not opened its trial."""
    made = RecordedTrial.__new__(RecordedTrial)
    made.setup(config(trial), split=split, run=str(tmp_path), resources=Resources())
    return made


def recorded(tmp_path: Path, trial: TrialSpec) -> TrialFolder:
    folder = TrialFolder(tmp_path, trial)
    folder.read()
    return folder


def fill_disk(*_: object) -> None:
    raise OSError(28, "No space left on device", "somewhere")


def test_every_step_is_an_epoch_on_record(actor: RecordedTrial, tmp_path: Path, trial: TrialSpec) -> None:
    reports = [actor.step() for _ in range(3)]
    folder = recorded(tmp_path, trial)
    assert [r["epoch"] for r in reports] == [1, 2, 3] == [row["epoch"] for row in folder.rows]
    assert [r["accuracy"] for r in reports] == [row["val_accuracy"] for row in folder.rows]
    assert [r["done"] for r in reports] == [False, False, True]


def test_an_opened_trial_first_reports_its_last_row_again(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec, split: Split
) -> None:
    actor.step()
    last = actor.step()
    actor.cleanup()
    other = RecordedTrial.__new__(RecordedTrial)
    other.setup(config(trial), split=split, run=str(tmp_path), resources=Resources())
    assert other.step() == last | {"seconds": 0.0, "again": True}
    assert len(recorded(tmp_path, trial).rows) == 2
    assert other.step()["epoch"] == 3
    undisturbed = Training(trial, split)
    rows = [undisturbed.run_epoch() for _ in range(3)]
    assert [row["val_loss"] for row in recorded(tmp_path, trial).rows] == [row.loss for row in rows]


def test_setup_does_not_open_the_trial(actor: RecordedTrial, tmp_path: Path) -> None:
    assert not (tmp_path / "trials").exists()


def test_an_actor_is_reused(actor: RecordedTrial, tmp_path: Path, trial: TrialSpec) -> None:
    actor.step()
    next_one = replace(trial, architecture="invariant")
    assert actor.reset_config(config(next_one))
    assert actor.step()["epoch"] == 1
    assert len(recorded(tmp_path, next_one).rows) == 1
    TrialFolder(tmp_path, trial).open()  # The first trial's lock is free again.


def test_a_rerun_keeps_the_predictions_of_its_last_epoch(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec, split: Split
) -> None:
    again = replace(trial, phase="rerun", split_seed=None)
    actor.reset_config(config(again, 2))
    actor.step()
    assert recorded(tmp_path, again).predictions is None
    actor.step()
    first = recorded(tmp_path, again).predictions
    undisturbed = Training(again, split)
    rows = [undisturbed.run_epoch() for _ in range(2)]
    assert first is not None
    assert first == undisturbed.predict()
    assert first.count_right() / first.images == rows[1].accuracy
    actor.reset_config(config(again, 3))  # Longer: its row again, and a further one.
    actor.step()
    actor.step()
    undisturbed.run_epoch()
    assert recorded(tmp_path, again).predictions == undisturbed.predict()


def test_what_had_ended_before_predictions_were_kept_is_not_trained_again(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = replace(trial, phase="rerun", split_seed=None)
    actor.reset_config(config(again, 1))
    actor.step()
    folder = recorded(tmp_path, again)
    folder.predictions = None
    folder.note("as an earlier version wrote it")
    monkeypatch.setattr(Training, "run_epoch", None)
    actor.reset_config(config(again, 1))
    assert (actor.step() | {"seconds": 0}) == report(folder, 1, again=True)
    assert recorded(tmp_path, again).predictions is None


def test_a_sweep_and_what_diverged_keep_no_predictions(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec, diverging: TrialSpec
) -> None:
    lost = replace(diverging, phase="rerun", split_seed=None)
    for spec in (trial, lost):
        actor.reset_config(config(spec, 1))
        assert actor.step()["done"]
        assert recorded(tmp_path, spec).predictions is None


def test_divergence_ends_the_trial_with_a_finite_report(
    actor: RecordedTrial, tmp_path: Path, diverging: TrialSpec
) -> None:
    actor.reset_config(config(diverging))
    result = actor.step()
    assert result["done"]
    assert (result["status"], result["accuracy"], result["epoch"]) == ("diverged", 0.0, 1)
    folder = recorded(tmp_path, diverging)
    assert folder.status == "diverged"
    assert folder.rows[0]["val_accuracy"] is None  # The truth, in the record.


@pytest.mark.parametrize("error", [RuntimeError("a bug"), MemoryError("too large")])
def test_an_exception_ends_the_trial_with_its_traceback(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    actor.step()

    def fail(_: Training) -> None:
        raise error

    monkeypatch.setattr(Training, "run_epoch", fail)
    result = actor.step()
    assert result["done"]
    assert (result["status"], result["epoch"]) == ("failed", 1)
    folder = recorded(tmp_path, trial)
    assert folder.error is not None
    assert str(error) in folder.error
    assert "Traceback" in folder.error
    assert len(folder.rows) == 1


def steps(actor: RecordedTrial, count: int) -> list[tuple[int, bool]]:
    return [(result["epoch"], result["again"]) for result in (actor.step() for _ in range(count))]


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"garbage")])
def test_a_lost_checkpoint_costs_time_but_no_row(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec, split: Split, damage: Any
) -> None:
    actor.reset_config(config(trial, 5))
    assert steps(actor, 3) == [(1, False), (2, False), (3, False)]
    before = recorded(tmp_path, trial).rows
    damage(recorded(tmp_path, trial).checkpoint)
    actor.reset_config(config(trial, 5))
    assert steps(actor, 5) == [(3, True), (3, True), (3, True), (3, True), (4, False)]
    folder = recorded(tmp_path, trial)
    assert folder.rows[:3] == before
    assert [note.split(":")[0] for note in folder.notes] == ["epochs 1 to 3 were trained again"]
    undisturbed = Training(trial, split)
    assert folder.rows[3]["val_loss"] == [undisturbed.run_epoch().loss for _ in range(4)][3]


def test_a_full_disk_while_a_lost_checkpoint_is_noted_blames_no_trial(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(actor, 2)
    recorded(tmp_path, trial).checkpoint.unlink()
    actor.reset_config(config(trial))
    actor.step()
    with monkeypatch.context() as full:
        full.setattr(TrialFolder, "note", fill_disk)
        assert actor.step()["stop"] == "somewhere: No space left on device"
    assert recorded(tmp_path, trial).status == "running"


def test_a_trial_that_was_trained_again_and_killed_loses_no_more_than_an_epoch(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec
) -> None:
    actor.reset_config(config(trial, 5))
    steps(actor, 2)
    recorded(tmp_path, trial).checkpoint.unlink()
    actor.reset_config(config(trial, 5))
    steps(actor, 3)  # The row again, and both epochs.
    actor.reset_config(config(trial, 5))
    assert steps(actor, 2) == [(2, True), (3, False)]


def test_an_epoch_that_comes_out_differently_is_noted(actor: RecordedTrial, tmp_path: Path, trial: TrialSpec) -> None:
    actor.step()
    folder = recorded(tmp_path, trial)
    folder.rows[0]["val_loss"] += 0.5
    folder.note("changed by this test")
    folder.checkpoint.unlink()
    actor.reset_config(config(trial))
    steps(actor, 2)
    assert "epoch 1 came out differently" in recorded(tmp_path, trial).notes[-1]


@pytest.fixture
def driver(tmp_path: Path) -> DriverLock:
    made = DriverLock(tmp_path)
    made.take()
    return made


def guarded(trial: TrialSpec, split: Split, run: Path, token: str, **more: Any) -> RecordedTrial:
    made = RecordedTrial.__new__(RecordedTrial)
    more = {"guard": Guard(run, token), "resources": Resources(), **more}
    made.setup(config(trial), split=split, run=str(run), **more)
    return made


def test_a_leftover_worker_stops_and_writes_nothing(
    driver: DriverLock, tmp_path: Path, trial: TrialSpec, split: Split
) -> None:
    leftover = guarded(trial, split, tmp_path, driver.token)
    leftover.step()
    driver.release()
    DriverLock(tmp_path).take()
    result = leftover.step()
    assert "another driver" in result["stop"]
    assert (result["epoch"], result["done"]) == (1, False)
    assert recorded(tmp_path, trial).epoch == 1


def test_a_node_that_does_not_see_the_run_stops_it(trial: TrialSpec, split: Split, tmp_path: Path) -> None:
    result = guarded(trial, split, tmp_path / "nowhere", "0").step()
    assert "--out must be a folder that every node sees" in result["stop"]
    assert not (tmp_path / "nowhere").exists()


def test_a_full_disk_blames_no_trial(
    driver: DriverLock, tmp_path: Path, trial: TrialSpec, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = guarded(trial, split, tmp_path, driver.token)
    worker.step()
    with monkeypatch.context() as full:
        full.setattr("search.storage.checkpoint.save", fill_disk)
        result = worker.step()
    assert result["stop"] == "somewhere: No space left on device"
    assert result["status"] == "running"
    assert worker.step() == result  # Tune may ask once more; what was not committed must not be skipped.
    again = guarded(trial, split, tmp_path, driver.token)
    worker.cleanup()
    assert steps(again, 2) == [(1, True), (2, False)]


def test_a_trial_that_could_not_be_opened_is_not_begun_again(
    driver: DriverLock, tmp_path: Path, trial: TrialSpec, split: Split
) -> None:
    worker = guarded(trial, split, tmp_path, driver.token)
    steps(worker, 2)
    worker.cleanup()
    record = recorded(tmp_path, trial).path / "record.json"
    record.write_bytes(b"garbage")
    again = guarded(trial, split, tmp_path, driver.token)
    assert again.step()["stop"] == again.step()["stop"] == "it does not begin with its checksum"
    assert record.read_bytes() == b"garbage"
    again.cleanup()
    assert Lock(record.parent / "lock").is_free()


def test_epochs_trained_again_are_kept_on_the_way(actor: RecordedTrial, tmp_path: Path, trial: TrialSpec) -> None:
    """So that a worker which is killed more often than the trial has epochs gets there all the same."""
    actor.reset_config(config(trial, 5))
    steps(actor, 3)
    recorded(tmp_path, trial).checkpoint.unlink()
    for _ in range(3):
        actor.reset_config(config(trial, 5))
        assert steps(actor, 2) == [(3, True), (3, True)]  # One epoch in each life.
    actor.reset_config(config(trial, 5))
    assert steps(actor, 2) == [(3, True), (4, False)]


def test_a_node_with_other_versions_stops_it(
    driver: DriverLock, tmp_path: Path, trial: TrialSpec, split: Split
) -> None:
    expected = describe_expected_nodes()
    assert "stop" not in guarded(trial, split, tmp_path, driver.token, expected=expected).step()
    other = guarded(trial, split, tmp_path, driver.token, expected=expected | {"torch": "1.0"})
    assert "instead of 1.0; install there what" in other.step()["stop"]


@pytest.mark.parametrize("asked", ["auto", "native"])
def test_a_node_without_the_announced_engine_stops_it(
    driver: DriverLock, tmp_path: Path, trial: TrialSpec, split: Split, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    more = {"resources": Resources(engine=asked), "engines": {trial.architecture: "native"}}
    first = guarded(trial, split, tmp_path, driver.token, **more)
    assert "stop" not in first.step()
    first.cleanup()
    rows = len(recorded(tmp_path, trial).rows)
    monkeypatch.setattr(engines, "find_instruction_set", lambda: None)
    monkeypatch.setattr(engines, "explain_no_library", lambda: "it is not compiled")
    stopped = guarded(trial, split, tmp_path, driver.token, **more).step()
    assert "it is not compiled; with g++ installed, make native builds it" in stopped["stop"]
    assert stopped["stop"].startswith("node ")
    assert len(recorded(tmp_path, trial).rows) == rows
    elsewhere = guarded(trial, split, tmp_path, driver.token, resources=Resources(engine="auto"))
    assert "stop" not in elsewhere.step()  # Of a cluster's nodes no engine was announced.


def test_reports_for_replay_show_the_trial_as_it_then_was(tmp_path: Path, diverging: TrialSpec) -> None:
    folder = TrialFolder(tmp_path, diverging)
    folder.rows = [
        {"epoch": 1, "val_accuracy": 0.3, "seconds": 1.0},
        {"epoch": 2, "val_accuracy": None, "seconds": 1.0},
    ]
    folder.status = "diverged"
    assert (report(folder, 9, 1)["accuracy"], report(folder, 9, 1)["done"]) == (0.3, False)
    assert (report(folder, 9)["accuracy"], report(folder, 9)["done"]) == (0.0, True)


def test_only_the_file_of_its_own_trial_is_imported(
    trial: TrialSpec, split: Split, tmp_path: Path, registered: dict[str, OwnArchitecture]
) -> None:
    code = "from torch import nn\nclass Mine(nn.Conv2d):\n    def __init__(self, in_channels, out_channels):\n"
    code += "        super().__init__(in_channels, out_channels, 1)\n"
    paths = [tmp_path / name for name in ("one.py", "two.py")]
    for path in paths:
        path.write_text(f"{code}# {path.name}")
    one, two = (register(Reference.parse(f"{path}:Mine")).name for path in paths)
    own = pack([one, two])
    for name in (one, two):
        del registered[name]
    actor = RecordedTrial.__new__(RecordedTrial)
    actor.setup(config(trial), split=split, run=str(tmp_path), resources=Resources(), own=own)
    assert actor.step()["epoch"] == 1
    assert not {one, two} & set(registered)
    actor.reset_config(config(replace(trial, architecture=two)))
    assert {one, two} & set(registered) == {two}
    assert actor.step()["epoch"] == 1
    actor.reset_config(config(replace(trial, architecture="conv", seed=trial.seed + 1)))
    assert actor.step()["epoch"] == 1


def test_a_file_that_cannot_be_imported_stops_the_run_and_blames_no_trial(
    trial: TrialSpec, split: Split, tmp_path: Path
) -> None:
    own = {"Mine-00000000": Parcel(f"{tmp_path}/one.py:Mine", Sources("one.py", {"one.py": b"import nosuch"}))}
    actor = RecordedTrial.__new__(RecordedTrial)
    spec = replace(trial, architecture="Mine-00000000")
    actor.setup(config(spec), split=split, run=str(tmp_path), resources=Resources(), own=own)
    assert "ModuleNotFoundError" in actor.step()["stop"]
    actor.reset_config(config(trial))
    assert "stop" not in actor.step()


def test_what_is_reported_together_was_committed_together(
    actor: RecordedTrial, tmp_path: Path, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    commit = TrialFolder.commit

    def count(folder: TrialFolder, row: Any, *given: Any) -> None:
        commit(folder, row, *given)
        commits.append(row["epoch"])

    def train() -> dict[str, Any]:
        told = actor.step()
        on_disk = recorded(tmp_path, trial)
        assert on_disk.epoch == commits[-1] >= told["epoch"]
        assert on_disk.checkpoint == on_disk.find_checkpoint(commits[-1])
        assert on_disk.checkpoint.exists()
        return told

    monkeypatch.setattr(TrialFolder, "commit", count)
    monkeypatch.setattr(actor, "train", train)
    alone = [actor.step()]
    told = actor.train_buffered(60.0)
    assert commits == [1, 3]
    assert [each["epoch"] for each in alone + told] == [1, 2, 3]
    assert len(list((tmp_path / "trials" / trial.trial_id).glob("checkpoint-*"))) == 1


def test_tune_hands_over_number_and_seconds_in_either_order(
    actor: RecordedTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor, "train", actor.step)
    assert [told["epoch"] for told in actor.train_buffered(1000, 0.0)] == [1]
    assert [told["epoch"] for told in actor.train_buffered(1000, 60.0)] == [2, 3]
