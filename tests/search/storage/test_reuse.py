"""Trials that another run has trained are taken over: the same trial, to the same end."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.storage.provenance import describe_environment, describe_expected_nodes
from search.storage.reuse import check_reusable, take_over
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from spaces import SPACES, TrialSpec, UserError
from spaces.files.sealed import seal
from spaces.specs.run import RunSpec

SPEC = RunSpec(
    "digits",
    "ab",
    16,
    0,
    0,
    ("conv",),
    space=SPACES["table-1.2"].describe(),
    search="grid",
    samples=8,
)
TRIALS = [SPEC.sweep_trial("conv", theta) for theta in SPEC.list_points("conv")]
MAKER = {**describe_expected_nodes(), "host": "elsewhere", "engine": "native"}
EPOCHS, RUNGS = 4, (2,)
ENDS = {  # By trial: how it ended, after how many epochs; whether it is taken, and whether with its outcome.
    0: ("completed", 4, True, True),
    1: ("completed", 3, False, False),
    2: ("completed", 5, False, False),
    3: ("stopped", 2, True, False),
    4: ("stopped", 1, False, False),
    5: ("diverged", 1, True, True),
    6: ("failed", 1, False, False),
    7: (None, 4, False, False),
}


def row(epoch: int) -> dict[str, float]:
    return {"epoch": epoch, "train_loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 1.0, "time": 9.0}


def train(run: Path, trial: TrialSpec, status: str | None, epochs: int, maker: dict[str, str] = MAKER) -> TrialFolder:
    folder = TrialFolder(run, trial)
    folder.path.mkdir(parents=True)
    worker = status if status == "diverged" else "running"
    earlier = [row(epoch) for epoch in range(1, epochs)]
    folder.commit(row(epochs), worker, maker, lambda path, record: path.write_text("x"), earlier=earlier)
    if status == "failed":
        folder.fail("no memory")
    if status is not None:
        folder.decide(status, epochs)
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other"
    with RunFolder(path).driven(SPEC, {"conv": "native 4 avx2 on cpu"}):
        for number, (status, epochs, *_) in ENDS.items():
            train(path, TRIALS[number], status, epochs)
    return path


def test_what_ended_in_the_same_way_is_taken_over(tmp_path: Path, other: Path) -> None:
    run = RunFolder(tmp_path / "run")
    wanted = [number for number, (_, _, taken, _) in ENDS.items() if taken]
    with run.driven(SPEC):
        assert take_over(run, other, TRIALS, EPOCHS, RUNGS) == (len(wanted), 0)
        assert take_over(run, other, TRIALS, EPOCHS, RUNGS) == (0, 0)
    found = {folder.spec.trial_id: folder for folder in run.list_recorded("sweep")}
    assert found.keys() == {TRIALS[number].trial_id for number in wanted}
    for number in wanted:
        status, epochs, _, decided = ENDS[number]
        folder = found[TRIALS[number].trial_id]
        assert folder.read_outcome() == (status if decided else None)
        assert (folder.epoch, folder.makers) == (epochs, [MAKER])
        assert folder.notes == [f"taken over from {other}"]


def test_what_the_run_has_is_its_own(tmp_path: Path, other: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with run.driven(SPEC):
        mine = train(run.path, TRIALS[0], None, 1)
        assert take_over(run, other, TRIALS[:1], EPOCHS) == (0, 0)
        mine.read()
    assert (mine.epoch, mine.notes) == (1, [])


def test_a_damaged_record_is_left(tmp_path: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = other / "trials" / TRIALS[0].trial_id / "record.json"
    record.write_bytes(record.read_bytes().replace(b"0.5", b"0.9"))
    run = RunFolder(tmp_path / "run")
    with run.driven(SPEC):
        assert take_over(run, other, TRIALS[:1], EPOCHS) == (0, 0)
    assert f"{TRIALS[0].trial_id} is not taken over: " in capsys.readouterr().err


def test_other_engines_are_taken_over_if_accepted(tmp_path: Path, other: Path) -> None:
    run = tmp_path / "run"
    check_reusable(other, run, {"conv": "native 4 avx2 on cpu"}, accept_changes=False)
    check_reusable(other, run, {"conv": "torch on cpu"}, accept_changes=True)
    with pytest.raises(UserError, match="the engine of conv is native 4 avx2 on cpu there and torch on cpu here"):
        check_reusable(other, run, {"conv": "torch on cpu"}, accept_changes=False)


def test_only_from_another_sound_run(tmp_path: Path, other: Path) -> None:
    with pytest.raises(UserError, match="is the run itself"):
        check_reusable(other, other, {}, accept_changes=True)
    with pytest.raises(UserError, match="not a run folder"):
        check_reusable(tmp_path / "none", other, {}, accept_changes=True)
    environment = other / "environment.json"
    environment.write_bytes(seal(describe_environment({}))[:-9])
    with pytest.raises(UserError, match=r"environment\.json: damaged"):
        check_reusable(other, tmp_path / "run", {}, accept_changes=True)


def test_without_its_environment_the_history_says_what_made_it(tmp_path: Path, other: Path) -> None:
    (other / "environment.json").unlink()
    with pytest.raises(UserError, match="the engine of conv is native 4 avx2 on cpu there"):
        check_reusable(other, tmp_path / "run", {"conv": "torch on cpu"}, accept_changes=False)
    (other / "history.jsonl").unlink()
    with pytest.raises(UserError, match=r"nobody knows what made the trials of .*; --accept-changes takes"):
        check_reusable(other, tmp_path / "run", {}, accept_changes=False)
    check_reusable(other, tmp_path / "run", {}, accept_changes=True)


@pytest.mark.parametrize("what", ["code", "torch", "numpy", "engine"])
def test_trials_that_something_else_made_are_left_unless_accepted(tmp_path: Path, what: str) -> None:
    """Also where the run's environment, which is that of its last driver, is the same."""
    other, run, engines = tmp_path / "other", RunFolder(tmp_path / "run"), {"conv": "native"}
    with RunFolder(other).driven(SPEC):
        train(other, TRIALS[0], "completed", EPOCHS, {**MAKER, what: "another"})
        train(other, TRIALS[1], "completed", EPOCHS)
    with run.driven(SPEC):
        assert take_over(run, other, TRIALS, EPOCHS, engines=engines) == (1, 1)
        assert take_over(run, other, TRIALS, EPOCHS, engines=engines, accept_changes=True) == (1, 0)
