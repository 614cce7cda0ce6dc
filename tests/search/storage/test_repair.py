"""Damage of every kind, in every file of a run folder: found, set aside, mended; sound files are never touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.cli import main
from search.datasets import Split
from search.storage import checkpoint, repair
from search.storage.json_files import append_line
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.training.loop import Training
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
    samples=4,
)
FINISHED, RUNNING = list(SPACES["table-1.2"].walk(0))[:2]


def trained(run: Path, trial: TrialSpec, split: Split, epochs: int) -> TrialFolder:
    training, folder = Training(trial, split), TrialFolder(run, trial)
    folder.open()
    for _ in range(epochs):
        row = training.run_epoch().make_row("sweep")
        folder.commit(row, "running", {}, lambda path, record: checkpoint.save(path, training.capture_state(), record))
    folder.close()
    return folder


@pytest.fixture
def run(tmp_path: Path, split: Split) -> Path:
    """A finished trial of three epochs and one that stands at two."""
    path = tmp_path / "run"
    with RunFolder(path).driven(SPEC):
        trained(path, SPEC.sweep_trial("conv", FINISHED), split, 3).decide("completed", 3)
        trained(path, SPEC.sweep_trial("conv", RUNNING), split, 2)
    return path


@pytest.fixture
def finished(run: Path) -> Path:
    return run / "trials" / SPEC.sweep_trial("conv", FINISHED).trial_id


@pytest.fixture
def running(run: Path) -> Path:
    return run / "trials" / SPEC.sweep_trial("conv", RUNNING).trial_id


def content(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes())


def mend(run: Path) -> list[str]:
    return [finding.mend() for finding in repair.inspect(run, deep=True)]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "garbled": lambda path: path.write_bytes(path.read_bytes().replace(b"0", b"7", 20)),
    "of zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a link": lambda path: (path.rename(path.with_name("elsewhere")), path.symlink_to("elsewhere")),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("of", ["finished", "running"])
def test_a_record_is_restored_from_a_copy(run: Path, finished: Path, running: Path, of: str, damage: str) -> None:
    record = {"finished": finished, "running": running}[of] / "record.json"
    before = content(record)
    DAMAGE[damage](record)
    (line,) = mend(run)
    assert str(record) in line
    assert "set aside as record.json.damaged-" in line
    assert "nothing is lost" in line
    assert content(record) == before
    assert repair.inspect(run, deep=True) == []


def test_predictions_are_restored_with_their_record(run: Path, split: Split) -> None:
    trial = replace(SPEC.sweep_trial("conv", FINISHED), phase="rerun", split_seed=None)
    training, folder = Training(trial, split), TrialFolder(run, trial)
    folder.open()
    row = training.run_epoch().make_row("rerun")
    folder.commit(row, "running", {}, lambda path, record: None, kept := training.predict())
    folder.decide("completed", 1)
    record = folder.path / "record.json"
    whole = record.read_bytes()
    packed = kept.packed.encode()
    record.write_bytes(whole.replace(packed, packed[:-9] + b"A" + packed[-8:]))
    (line,) = mend(run)
    assert "restored from its outcome, nothing is lost" in line
    assert record.read_bytes() == whole


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_trial_whose_copies_are_lost_too_begins_again(run: Path, finished: Path, damage: str) -> None:
    for name in ("record.json", "verdict.json"):
        DAMAGE[damage](finished / name)
    assert sum("set aside" in line for line in mend(run)) == 2
    folder = TrialFolder(run, SPEC.sweep_trial("conv", FINISHED))
    folder.read()
    assert (folder.epoch, folder.read_outcome()) == (0, None)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_lost_outcome_opens_the_trial_again(run: Path, finished: Path, damage: str) -> None:
    DAMAGE[damage](finished / "verdict.json")
    assert len(mend(run)) == 1
    folder = TrialFolder(run, SPEC.sweep_trial("conv", FINISHED))
    folder.read()
    assert (folder.epoch, folder.read_outcome()) == (3, None)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_checkpoint_is_set_aside(run: Path, running: Path, damage: str) -> None:
    DAMAGE[damage](running / "checkpoint-2.safetensors")
    if damage != "a link":  # Reading them all takes time; whoever opens the trial looks.
        assert repair.inspect(run, deep=False) == []
    (line,) = mend(run)
    assert "checkpoint-2.safetensors: damaged" in line
    assert "set aside as checkpoint-2.safetensors.damaged-" in line
    assert not list(running.glob("checkpoint-2.safetensors"))


def test_the_checkpoint_of_another_trial_is_damage(run: Path, running: Path, split: Split) -> None:
    other = trained(run / "other", SPEC.sweep_trial("conv", FINISHED), split, 2)
    other.checkpoint.rename(running / "checkpoint-2.safetensors")
    (line,) = mend(run)
    assert f"of epoch 2 of {other.spec.trial_id}" in line


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["spec.json", "environment.json"])
def test_spec_and_environment_come_back_from_the_history(run: Path, name: str, damage: str) -> None:
    before = content(run / name)
    DAMAGE[damage](run / name)
    (line,) = mend(run)
    assert "restored from history.jsonl" in line
    assert content(run / name) == before


def test_without_a_history_the_next_command_writes_the_spec(run: Path) -> None:
    (run / "spec.json").write_text("garbage")
    (run / "history.jsonl").write_text("garbage\ngarbage\n")
    with RunFolder(run).driven(SPEC) as spec:
        assert spec == SPEC
    assert RunFolder(run).read_spec() == SPEC
    assert len(RunFolder(run).list_recorded("sweep")) == 2


@pytest.mark.parametrize("name", ["history.jsonl", "notes.jsonl"])
def test_lines_that_are_sound_stay(run: Path, name: str) -> None:
    for text in ("first", "second"):
        assert main(["note", str(run), text]) == 0
    before = (run / name).read_text().splitlines()
    (run / name).write_text("\n".join([before[0], "garbage", before[1][:40], before[1]]) + "\n")
    (line,) = mend(run)
    assert "2 of 4 lines" in line
    assert (run / name).read_text().splitlines() == before


def test_a_record_in_a_strangers_folder_is_set_aside(run: Path, finished: Path) -> None:
    copy = run / "trials" / "conv-0123456789"
    copy.mkdir()
    (copy / "record.json").write_bytes((finished / "record.json").read_bytes())
    (line,) = mend(run)
    assert "the record of" in line
    assert not (copy / "record.json").exists()
    assert (finished / "record.json").exists()


def test_links_in_place_of_trials_are_not_followed(run: Path, finished: Path, tmp_path: Path) -> None:
    finished.rename(tmp_path / "elsewhere")
    finished.symlink_to(tmp_path / "elsewhere")
    (line,) = mend(run)
    assert "not a folder of its own" in line
    assert not finished.exists()
    assert (tmp_path / "elsewhere" / "record.json").exists()


def test_what_was_set_aside_counts_no_more(run: Path, finished: Path) -> None:
    finished.rename(finished.with_name(f"{finished.name}.damaged-20260101T000000"))
    assert [folder.spec.theta for folder in RunFolder(run).list_recorded("sweep")] == [RUNNING]
    assert repair.inspect(run, deep=True) == []


def test_a_spec_that_is_not_there_comes_back(run: Path) -> None:
    before = content(run / "spec.json")
    (run / "spec.json").unlink()
    with (
        pytest.raises(UserError, match="batch-size is 16 there and 8 here"),
        RunFolder(run).driven(replace(SPEC, batch_size=8)),
    ):
        pass
    assert content(run / "spec.json") == before


@pytest.mark.parametrize("change", [{"later": 1}, {"format": 3}])
def test_the_spec_of_a_later_version_is_left_alone(run: Path, change: dict[str, int]) -> None:
    before = seal(content(run / "spec.json") | change)
    (run / "spec.json").write_bytes(before)
    with pytest.raises(UserError, match="another version of invsearch wrote it"), RunFolder(run).driven(SPEC):
        pass
    assert (run / "spec.json").read_bytes() == before


def test_an_unsound_spec_in_the_history_is_passed_over(run: Path) -> None:
    append_line(run / "history.jsonl", {"event": "start", "spec": {"format": 2}})
    before = content(run / "spec.json")
    (run / "spec.json").write_text("garbage")
    mend(run)
    assert content(run / "spec.json") == before


@pytest.mark.parametrize("name", [".spec.json.0a1b2c3d", "driver.lock.damaged-20260101T000000", "driver.lock"])
def test_what_a_first_start_left_half_done_is_no_foreign_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with RunFolder(tmp_path).driven(SPEC) as spec:
        assert spec == SPEC


def test_odd_things_in_place_of_files_are_set_aside(run: Path, finished: Path) -> None:
    (finished / "lock").unlink()
    os.mkfifo(finished / "lock")
    (finished / "checkpoint-9.safetensors").mkdir()
    (run / "environment.json").unlink()
    (run / "environment.json").mkdir()
    assert len(mend(run)) == 3
    assert main(["check", str(run)]) == 0


@pytest.mark.parametrize("name", ["record.json", "verdict.json"])
def test_a_pipe_does_not_hang_readers(run: Path, finished: Path, name: str) -> None:
    (finished / name).unlink()
    os.mkfifo(finished / name)
    assert main(["status", str(run)]) == 3
    assert main(["check", str(run)]) == 3
    assert main(["check", str(run), "--repair"]) == 0


def test_a_record_shorter_than_its_outcome_is_restored(run: Path, finished: Path) -> None:
    """An old copy of the folder was put back in part."""
    whole = content(finished / "record.json")
    short = {key: value for key, value in whole.items() if key != "checksum"} | {"rows": whole["rows"][:1]}
    (finished / "record.json").write_bytes(seal(short))
    assert len(mend(run)) == 1
    assert content(finished / "record.json") == whole


def test_sound_folders_are_not_touched(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert mend(run) == []
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_check_reports_and_repairs(run: Path, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(run)]) == 0
    assert "2 trials, 0 damaged" in capsys.readouterr().out
    (finished / "record.json").write_text("garbage")
    for _ in range(2):  # A report changes nothing.
        assert main(["check", str(run)]) == 3
        out = capsys.readouterr().out
        assert f"{finished / 'record.json'}: damaged (it does not begin with its checksum)" in out
        assert "1 damaged; invsearch check" in out
    assert main(["check", str(run), "--repair"]) == 0
    assert "1 repaired" in capsys.readouterr().out
    assert main(["check", str(run)]) == 0
    assert "was set aside; remove it" in capsys.readouterr().out
    assert main(["check", str(run), "--repair"]) == 0
    assert "nothing is damaged" in capsys.readouterr().out


def test_check_of_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert "not a run folder" in capsys.readouterr().err


def test_a_driven_run_is_not_repaired(run: Path) -> None:
    with (
        RunFolder(run).driven(SPEC),
        pytest.raises(UserError, match="in use by"),
        RunFolder(run).taken(),
    ):
        pass


def test_what_goes_while_it_is_looked_at_is_no_damage(
    run: Path, finished: Path, running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial that goes on renames its drafts and removes its older checkpoint."""
    iterdir, glob = Path.iterdir, Path.glob
    monkeypatch.setattr(
        Path, "iterdir", lambda folder: [*iterdir(folder), *([folder / ".draft"] * (folder == running))]
    )
    monkeypatch.setattr(
        Path, "glob", lambda folder, of: [*glob(folder, of), *([folder / of.replace("*", "0")] * (folder == running))]
    )
    assert list(repair.inspect(run, deep=True)) == []
