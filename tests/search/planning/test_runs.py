"""Lists of runs, notes in them, and what is done at the end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from search.cli import COMMANDS, main
from search.commands import list as listing
from search.planning.hook import run_hook
from search.planning.runs import find_runs, list_runs
from search.storage.json_files import append_line
from search.tuning.policy import Policy
from spaces.specs.notes import NOTES, list_tags, read_notes
from tests.analysis.conftest import RunFolder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs below a folder, of which the second was used later, and a damaged one."""
    (tmp_path / "more").mkdir()
    for day, name in enumerate(("first", "more/second"), start=1):
        folder = RunFolder(tmp_path / name)
        folder.sweep("conv", [0.5], "stopped")
        folder.sweep("invariant", [0.5], None)
        folder.write()
        for file in (folder.path / "spec.json", folder.path / "trials"):
            os.utime(file, (86400.0 * day, 86400.0 * day))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "spec.json").write_text("{")
    os.utime(tmp_path / "bad" / "spec.json", (1.0, 1.0))
    return tmp_path


def test_runs_below_a_folder(runs: Path) -> None:
    second, first, bad = list_runs(runs)
    assert [one.name for one in (second, first, bad)] == ["more/second", "first", "bad"]
    assert (first.ended, first.begun, first.networks, first.state) == (1, 2, "conv, invariant", "no end on record")
    assert bad.state == "damaged"
    assert list(find_runs(runs / "first")) == [runs / "first"]  # A run is its own list.


@pytest.mark.parametrize("width", [None, 80, 40])
def test_the_list_as_it_is_printed(
    runs: Path, width: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("search.streams.find_width", lambda: width)
    assert main(["note", str(runs / "first"), "a " + "very " * 30 + "long one", "--tag", "pilot"]) == 0
    capsys.readouterr()
    assert main(["list", str(runs)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("[pilot]" in line for line in lines) == 1
    assert sum(line.startswith("first") for line in lines) == 1
    if width:
        assert max(map(len, lines)) <= width


def test_what_is_no_folder_and_no_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "archtectures"]) == 2
    assert f"neither a folder nor one of {', '.join(listing.KINDS)}" in capsys.readouterr().err
    assert main(["list", "s3:/bucket"]) == 2
    assert capsys.readouterr().err.startswith("invsearch: kind: 's3:/bucket' is a URL")
    assert main(["list", "~nobody-here/runs"]) == 2
    assert "no home folder ~nobody-here is known here" in capsys.readouterr().err
    assert main(["list", str(tmp_path)]) == 0
    assert "no run below it" in capsys.readouterr().out


def test_a_run_whose_last_command_was_killed_has_not_ended_as_the_one_before(runs: Path) -> None:
    events = [{"event": "start"}, {"event": "end", "outcome": "done"}, {"event": "start"}]
    for event, state in zip(events, ("no end on record", "done", "no end on record"), strict=True):
        append_line(runs / "first" / "history.jsonl", event)
        assert {one.name: one.state for one in list_runs(runs)}["first"] == state


def test_notes_are_kept_and_shown(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs / "first"
    assert main(["note", str(run)]) == 0
    assert "no notes yet" in capsys.readouterr().out
    assert main(["note", str(run), "lr too \x1b narrow"]) == 2
    assert main(["note", str(run), "--tag", "two words"]) == 2
    assert main(["note", str(run), "lr too narrow", "--tag", "pilot"]) == 0
    assert main(["note", str(run), "--tag", "paper"]) == 0
    with (run / NOTES).open("a") as stream:
        stream.write("half a li")
    notes = read_notes(run)
    assert [str(note) for note in notes] == ["lr too narrow [pilot]", "[paper]"]
    assert list_tags(notes) == ["pilot", "paper"]
    assert abs(notes[0].time - time.time()) < 60
    capsys.readouterr()
    assert main(["status", str(run)]) == 0
    assert "note: lr too narrow [pilot]" in capsys.readouterr().out
    assert main(["note", str(runs / "more")]) == 2  # No run.


def test_a_note_of_a_time_that_no_clock_shows(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append_line(runs / "first" / NOTES, {"time": 1e300, "text": "from afar", "tags": []})
    assert main(["note", str(runs / "first")]) == 0
    assert capsys.readouterr().out == "-  from afar\n"


def test_a_hook_hears_how_it_ended(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_hook('echo "$INVSEARCH_EXIT_CODE $INVSEARCH_RUN"; exit 4', 3, str(tmp_path))
    captured = capfd.readouterr()
    assert captured.out == f"3 {tmp_path}\n"
    assert "exit 4: ended with code 4" in captured.err


def test_a_hook_runs_after_bad_input_and_not_after_a_dry_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["sweep", "--samples", "0", "--out", str(tmp_path / "run"), "--on-end", "echo it ended"]
    assert main(asked) == 2
    assert "it ended" in capfd.readouterr().out
    assert main([*asked, "--dry-run"]) == 2
    assert "it ended" not in capfd.readouterr().out


def test_a_hook_runs_after_an_error_in_invsearch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(COMMANDS["sweep"], "run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["sweep", "--out", str(tmp_path / "run"), "--on-end", 'echo "code $INVSEARCH_EXIT_CODE"'])
    assert "code 1" in capfd.readouterr().out


def test_a_hopeless_time_budget_is_named() -> None:
    now = time.monotonic()
    assert Policy().warn_of_time() == ""
    assert Policy(time_budget=3600.0, started=now).warn_of_time() == ""
    assert "15 s are left" in Policy(time_budget=25.0, started=now - 9.9).warn_of_time()
    assert "0 s are left" in Policy(time_budget=5.0, started=now - 9.9).warn_of_time()
