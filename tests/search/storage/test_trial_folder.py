import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import Busy, Superseded
from search.storage import trial_folder, writer
from search.storage.driver import DriverLock, Guard
from search.storage.trial_folder import TrialFolder, read_trials
from spaces import Hyperparameters, TrialSpec, UserError
from spaces.files.sealed import Damaged, read_sealed, seal
from spaces.specs.predictions import Predictions
from spaces.specs.records import Record, read_outcome

MADE_BY = {"invsearch": "0"}


def row(epoch: int) -> dict[str, float]:
    return {"epoch": epoch, "train_loss": 1.0 / epoch, "val_loss": 0.5, "val_accuracy": 0.9, "time": 1.0}


def commit(folder: TrialFolder, epoch: int, status: str = "running") -> None:
    folder.commit(row(epoch), status, MADE_BY, lambda path, record: path.write_text(str(epoch)))


@pytest.fixture
def folder(tmp_path: Path, trial: TrialSpec) -> TrialFolder:
    made = TrialFolder(tmp_path, trial)
    made.open()
    return made


def test_what_was_committed_is_read_back(folder: TrialFolder, tmp_path: Path, trial: TrialSpec) -> None:
    commit(folder, 1)
    commit(folder, 2)
    again = TrialFolder(tmp_path, trial)
    again.read()
    assert again.rows == [row(1) | {"maker": 0}, row(2) | {"maker": 0}]
    assert again.makers == [MADE_BY]
    assert again.epoch == 2
    assert again.checkpoint.read_text() == "2"


def test_predictions_are_committed_with_their_row_and_replaced_with_it(tmp_path: Path, trial: TrialSpec) -> None:
    folder = TrialFolder(tmp_path, replace(trial, phase="rerun", split_seed=None))
    folder.open()
    kept = {1: None, 2: Predictions.pack([0, 1], [0, 0], 10), 3: None, 4: Predictions.pack([0, 0], [0, 0], 10)}
    for epoch, predictions in kept.items():
        row = {"epoch": epoch, "test_loss": 0.5, "test_accuracy": 0.5 if epoch < 4 else 1.0, "time": 1.0}
        folder.commit(row, "running", MADE_BY, lambda path, record: path.write_text(json.dumps(record)), predictions)
        again = TrialFolder(tmp_path, folder.spec)
        again.read()
        assert again.predictions == predictions
        assert json.loads(folder.checkpoint.read_text()) == folder.record()  # From which it can be restored.
    folder.decide("completed", 4)
    outcome = read_outcome(folder.path)
    assert outcome is not None
    assert Record.from_dict(outcome.record).predictions == kept[4]


def test_a_row_that_could_not_be_written_leaves_the_predictions_of_the_one_before(
    tmp_path: Path, trial: TrialSpec
) -> None:
    folder = TrialFolder(tmp_path, replace(trial, phase="rerun", split_seed=None))
    folder.open()
    kept = Predictions.pack([0, 1], [0, 0], 10)
    row = {"epoch": 1, "test_loss": 0.5, "test_accuracy": 0.5, "time": 1.0}
    folder.commit(row, "running", MADE_BY, lambda path, record: None, kept)

    def full(path: Path, record: object) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        folder.commit(row | {"epoch": 2}, "running", MADE_BY, full)
    assert folder.predictions == kept


def test_only_the_last_checkpoint_stays(folder: TrialFolder) -> None:
    for epoch in (1, 2, 3):
        commit(folder, epoch)
    assert [path.name for path in folder.path.glob("checkpoint*")] == ["checkpoint-3.safetensors"]


@pytest.mark.parametrize("dies_in", ["save", "record"])
def test_death_between_the_writes_leaves_a_matching_pair(
    folder: TrialFolder, tmp_path: Path, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    commit(folder, 1)

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    def save_two(path: Path, record: object) -> None:
        path.write_text("2")

    if dies_in == "record":
        monkeypatch.setattr(writer, "write_json", die)
    with pytest.raises(SystemExit):
        folder.commit(row(2), "running", MADE_BY, die if dies_in == "save" else save_two)
    again = TrialFolder(tmp_path, trial)
    again.read()
    assert again.epoch == 1
    assert again.checkpoint.read_text() == "1"


def test_a_second_process_waits_and_then_gives_up(
    folder: TrialFolder, tmp_path: Path, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_folder, "LOCK_WAIT_SECONDS", 0.2)
    with pytest.raises(Busy, match=trial.trial_id):
        TrialFolder(tmp_path, trial).open()
    folder.close()
    TrialFolder(tmp_path, trial).open()


def test_outcomes(folder: TrialFolder) -> None:
    assert folder.read_outcome() is None
    commit(folder, 1)
    folder.decide("stopped", 1)
    assert folder.read_outcome() == "stopped"
    assert not folder.checkpoint.exists()  # Nobody goes on from it.


@pytest.mark.parametrize(
    ("status", "asked", "kept"),
    [("completed", False, False), ("completed", True, True), ("failed", False, True)],
)
def test_a_finished_trial_keeps_its_checkpoint_only_when_asked(
    folder: TrialFolder, status: str, asked: bool, kept: bool
) -> None:
    commit(folder, 1)
    folder.decide(status, 1, keep_checkpoint=asked)
    assert folder.checkpoint.exists() == kept  # A failed trial may be tried again.


def test_a_failure_while_lost_epochs_are_trained_again_keeps_how_far_that_came(folder: TrialFolder) -> None:
    for epoch in (1, 2, 3):
        commit(folder, epoch)
    folder.checkpoint.unlink()
    folder.save_again(2, lambda path, record: path.write_text("2"))
    folder.fail("x")
    folder.decide("failed", 3)
    assert folder.checkpoint == folder.find_checkpoint(2)
    assert folder.has_checkpoint()


def test_an_outcome_carries_a_copy_of_the_record(folder: TrialFolder) -> None:
    commit(folder, 1)
    folder.decide("completed", 1)
    outcome = read_sealed(folder.path / "verdict.json")
    assert outcome is not None
    assert outcome["record"] == read_sealed(folder.path / "record.json")


def test_an_outcome_taken_back(folder: TrialFolder, tmp_path: Path, trial: TrialSpec) -> None:
    commit(folder, 1)
    folder.fail("a bug")
    folder.decide("failed", 1)
    folder.reopen("tried again after epoch 1: a bug")
    again = TrialFolder(tmp_path, trial)
    again.read()
    assert (again.read_outcome(), again.status, again.error, again.epoch) == (None, "running", None, 1)
    assert again.notes == ["tried again after epoch 1: a bug"]
    assert again.checkpoint.exists()


def test_who_made_each_row_is_on_record(folder: TrialFolder) -> None:
    for epoch, host in enumerate("aab", start=1):
        folder.commit(row(epoch), "running", {"host": host}, lambda path, record: None)
    assert folder.makers == [{"host": "a"}, {"host": "b"}]
    assert [row["maker"] for row in folder.rows] == [0, 0, 1]


def test_a_write_that_failed_leaves_the_trial_where_it_stood(folder: TrialFolder, tmp_path: Path) -> None:
    commit(folder, 1)

    def full(path: Path, record: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        folder.commit(row(2), "running", MADE_BY, full)
    assert folder.epoch == 1
    commit(folder, 2)
    assert folder.epoch == 2


def test_leftovers_of_another_driver_write_nothing(tmp_path: Path, trial: TrialSpec) -> None:
    first = DriverLock(tmp_path)
    first.take()
    leftover = TrialFolder(tmp_path, trial, Guard(tmp_path, first.token))
    leftover.open()
    commit(leftover, 1)
    first.release()
    second = DriverLock(tmp_path)
    second.take()
    before = {path: path.read_bytes() for path in leftover.path.iterdir()}
    for write in (lambda: commit(leftover, 2), lambda: leftover.fail("x"), leftover.open):
        with pytest.raises(Superseded, match="another driver"):
            write()
    assert {path: path.read_bytes() for path in leftover.path.iterdir()} == before


def test_a_linked_folder_is_not_written_to(tmp_path: Path, trial: TrialSpec) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder = TrialFolder(tmp_path / "run", trial)
    folder.path.parent.mkdir(parents=True)
    folder.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Damaged, match="a link"):
        folder.open()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_failure_before_the_first_row_is_on_record(tmp_path: Path, trial: TrialSpec) -> None:
    TrialFolder(tmp_path, trial).fail("out of memory")
    again = TrialFolder(tmp_path, trial)
    again.read()
    assert (again.status, again.error, again.rows) == ("failed", "out of memory", [])


def test_a_diverged_trial_needs_no_checkpoint(folder: TrialFolder) -> None:
    commit(folder, 1, "diverged")
    assert not list(folder.path.glob("checkpoint*"))


def test_the_record_of_another_trial_in_this_ones_place_is_refused(tmp_path: Path, trial: TrialSpec) -> None:
    other = TrialFolder(tmp_path, replace(trial, seed=9))
    other.fail("x")
    mine = TrialFolder(tmp_path, trial)
    mine.path.mkdir()
    (other.path / "record.json").rename(mine.path / "record.json")
    with pytest.raises(Damaged, match=f"the record of {other.spec.trial_id}"):
        mine.read()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "7"])
@pytest.mark.parametrize("name", ["record.json", "verdict.json"])
@pytest.mark.parametrize("sealed", [True, False])
def test_damage_is_noticed(tmp_path: Path, trial: TrialSpec, name: str, content: str, sealed: bool) -> None:
    folder = TrialFolder(tmp_path, trial)
    folder.path.mkdir(parents=True)
    (folder.path / name).write_bytes(seal({"x": content}) if sealed else content.encode())
    with pytest.raises(Damaged) as error:
        {"record.json": folder.read, "verdict.json": folder.read_outcome}[name]()
    assert "\n" not in str(error.value)


def test_opening_removes_what_a_killed_process_left(folder: TrialFolder, tmp_path: Path, trial: TrialSpec) -> None:
    commit(folder, 1)
    commit(folder, 2)
    folder.close()
    for name in ("checkpoint-1.safetensors", "checkpoint-3.safetensors", ".record.json.4711", ".checkpoint-3.x.4711"):
        (folder.path / name).write_text("")
    TrialFolder(tmp_path, trial).open()
    assert sorted(path.name for path in folder.path.iterdir()) == ["checkpoint-2.safetensors", "lock", "record.json"]


def test_a_forged_record_is_refused(folder: TrialFolder, tmp_path: Path, trial: TrialSpec) -> None:
    commit(folder, 1)
    record = folder.record() | {"trial": replace(trial, seed=9).as_dict() | {"lr": 3}}
    (folder.path / "record.json").write_bytes(seal(record))
    with pytest.raises(Damaged, match="changed by hand"):
        TrialFolder(tmp_path, trial).read()


def mutated(record: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """The record with something else in a random place."""
    leaf = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    value = data.draw(leaf | st.lists(leaf, max_size=2) | st.dictionaries(st.text(), leaf, max_size=2))
    place: Any = data.draw(
        st.sampled_from([record, record["trial"], record["rows"][0], record["rows"], record["makers"]])
    )
    if isinstance(place, list):
        place[0] = value
    else:
        place[data.draw(st.sampled_from(sorted(place)))] = value
    return record


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_record_is_one_or_damaged(data: st.DataObject) -> None:
    trial = TrialSpec("sweep", "conv", "digits", "0" * 16, Hyperparameters(0.05, 0.5, 1e-4, 1.0), 0, 0, 16)
    folder = TrialFolder(Path("nowhere"), trial)
    folder.rows, folder.makers = [row(1) | {"maker": 0}], [dict(MADE_BY)]
    record = json.loads(json.dumps(folder.record()))
    changed = mutated(record, data)
    try:
        folder.adopt(Record.from_dict(changed, trial.trial_id))
    except Damaged:
        return
    assert folder.record() == changed


def test_a_record_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the record of conv-0123456789 is not there"):
        read_trials(tmp_path, ["conv-0123456789"])
