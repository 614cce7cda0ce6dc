import json
from dataclasses import replace
from pathlib import Path

import pytest

from search import trial_folder
from search.trial_folder import TrialFolder
from spaces import TrialSpec, UserError

MADE_BY = {"invsearch": "0"}


def row(epoch: int) -> dict[str, float]:
    return {"epoch": epoch, "train_loss": 1.0 / epoch, "val_loss": 0.5, "val_accuracy": 0.9, "time": 1.0}


def commit(folder: TrialFolder, epoch: int, status: str = "running") -> None:
    folder.commit(row(epoch), status, MADE_BY, lambda path: path.write_text(str(epoch)))


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
    assert again.rows == [row(1), row(2)]
    assert again.epoch == 2
    assert again.checkpoint.read_text() == "2"


def test_only_the_last_checkpoint_stays(folder: TrialFolder) -> None:
    for epoch in (1, 2, 3):
        commit(folder, epoch)
    assert [path.name for path in folder.path.glob("*.pt")] == ["checkpoint-3.pt"]


@pytest.mark.parametrize("dies_in", ["save", "record"])
def test_death_between_the_writes_leaves_a_matching_pair(
    folder: TrialFolder, tmp_path: Path, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    commit(folder, 1)

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    if dies_in == "record":
        monkeypatch.setattr(trial_folder, "write_json", die)
    with pytest.raises(SystemExit):
        folder.commit(row(2), "running", MADE_BY, die if dies_in == "save" else lambda path: path.write_text("2"))
    again = TrialFolder(tmp_path, trial)
    again.read()
    assert again.epoch == 1
    assert again.checkpoint.read_text() == "1"


def test_a_second_process_waits_and_then_gives_up(
    folder: TrialFolder, tmp_path: Path, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_folder, "LOCK_WAIT_SECONDS", 0.2)
    with pytest.raises(TimeoutError, match=trial.trial_id):
        TrialFolder(tmp_path, trial).open()
    folder.close()
    TrialFolder(tmp_path, trial).open()


def test_verdicts(folder: TrialFolder) -> None:
    assert folder.verdict() is None
    commit(folder, 1)
    folder.decide("stopped", 1)
    assert folder.verdict() == "stopped"
    assert not folder.checkpoint.exists()  # Nobody goes on from it.


def test_a_completed_trial_keeps_its_checkpoint(folder: TrialFolder) -> None:
    commit(folder, 1)
    folder.decide("completed", 1)
    assert folder.checkpoint.exists()


def test_a_failure_before_the_first_row_is_on_record(tmp_path: Path, trial: TrialSpec) -> None:
    TrialFolder(tmp_path, trial).fail("out of memory", MADE_BY)
    again = TrialFolder(tmp_path, trial)
    again.read()
    assert (again.status, again.error, again.rows) == ("failed", "out of memory", [])


def test_a_diverged_trial_needs_no_checkpoint(folder: TrialFolder) -> None:
    commit(folder, 1, "diverged")
    assert not list(folder.path.glob("*.pt"))


def test_a_restart_is_on_record(folder: TrialFolder, tmp_path: Path, trial: TrialSpec) -> None:
    commit(folder, 1)
    folder.restart("it was lost")
    commit(folder, 1)
    again = TrialFolder(tmp_path, trial)
    again.read()
    assert again.notes == ["epochs 1 to 1 were trained again: it was lost"]
    assert again.epoch == 1


def test_the_record_of_another_trial_in_this_ones_place_is_refused(tmp_path: Path, trial: TrialSpec) -> None:
    other = TrialFolder(tmp_path, replace(trial, seed=9))
    other.fail("x")
    mine = TrialFolder(tmp_path, trial)
    mine.path.mkdir()
    (other.path / "record.json").rename(mine.path / "record.json")
    with pytest.raises(UserError, match="the record of another trial"):
        mine.read()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "7"])
@pytest.mark.parametrize("name", ["record.json", "verdict.json"])
def test_a_damaged_file_is_one_line_that_names_it(tmp_path: Path, trial: TrialSpec, name: str, content: str) -> None:
    folder = TrialFolder(tmp_path, trial)
    folder.path.mkdir(parents=True)
    (folder.path / name).write_text(content)
    with pytest.raises(UserError) as error:
        {"record.json": folder.read, "verdict.json": folder.verdict}[name]()
    assert str(folder.path / name) in str(error.value)
    assert "\n" not in str(error.value)


def test_opening_removes_what_a_killed_process_left(folder: TrialFolder, tmp_path: Path, trial: TrialSpec) -> None:
    commit(folder, 2)
    folder.close()
    for name in ("checkpoint-1.pt", "checkpoint-3.pt", ".record.json.4711", ".checkpoint-3.pt.4711"):
        (folder.path / name).write_text("")
    TrialFolder(tmp_path, trial).open()
    assert sorted(path.name for path in folder.path.iterdir()) == ["checkpoint-2.pt", "lock", "record.json"]


def test_a_forged_record_is_refused(folder: TrialFolder, tmp_path: Path, trial: TrialSpec) -> None:
    commit(folder, 1)
    record = folder.path / "record.json"
    forged = {"trial": replace(trial, seed=9).as_dict() | {"lr": 3}}
    record.write_text(json.dumps(json.loads(record.read_text()) | forged))
    with pytest.raises(UserError, match=r"damaged .*changed by hand"):
        TrialFolder(tmp_path, trial).read()
