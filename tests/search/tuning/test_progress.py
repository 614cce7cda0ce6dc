from __future__ import annotations

import io
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from analysis.progress.left import Limits
from search.storage.trial_folder import TrialFolder
from search.tuning import progress
from search.tuning.events import Event
from search.tuning.progress import Progress
from spaces import TrialSpec


def tune_trial(trial: TrialSpec, number: int, epoch: int, accuracy: float) -> Any:
    last = {"epoch": epoch, "accuracy": accuracy, "seconds": 2.0, "again": False}
    return SimpleNamespace(trial_id=str(number), config={"trial": trial.as_dict()}, last_result=last)


def run_trials(shown: Progress, trials: list[Any], statuses: list[str]) -> None:
    for trial, status in zip(trials, statuses, strict=True):
        shown.on_trial_start(0, trials, trial)
        for _ in range(trial.last_result["epoch"]):
            shown.on_trial_result(0, trials, trial, trial.last_result)
        shown.mark_ended(trial, status)
        shown.on_step_begin(0, trials)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines do not wait for the next trial."""
    monkeypatch.setattr(progress, "SETTLE_SECONDS", 0.0)


def test_a_line_counts_the_trial_that_follows_the_one_that_ended(
    trial: TrialSpec, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SETTLE_SECONDS", 1.0)
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    shown = Progress("sweep", {"conv": 4}, Limits(1), [])
    one, two = (tune_trial(trial, n, 1, 0.5) for n in range(2))
    with shown.shown():
        shown.on_trial_start(0, [one], one)
        shown.mark_ended(one, "completed")
        shown.on_step_begin(0, [one])
        shown.on_trial_start(0, [two], two)
        clock[0] = 101.0
        shown.on_step_begin(0, [two])
    _, line, *more = capsys.readouterr().err.splitlines()
    assert "1/4 ended | conv 1/4 ended, 1 running" in line
    assert not more


def test_a_table_shows_bar_theta_epoch_and_the_course_of_the_incumbent(
    trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    shown = Progress("sweep", {"conv": 4}, Limits(5), [])
    ended = [tune_trial(trial, n, 5, accuracy) for n, accuracy in enumerate((0.5, 0.4, 0.9))]
    run_trials(shown, ended, ["completed"] * 3)
    running = tune_trial(replace(trial, seed=7), 4, 2, 0.25)
    shown.on_trial_start(0, [running], running)
    shown.on_trial_result(0, [running], running, running.last_result)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(shown._draw())
    drawn = console.export_text()
    assert max(map(len, drawn.splitlines())) <= 80
    assert "epoch 2 of 5, 25.00 %: {0.05, 0.5, 1e-4, 1.0}" in drawn
    assert "▁▁█" in drawn  # 50, 50 and 90 %.
    row = next(line.split() for line in drawn.splitlines() if line.startswith("conv"))
    assert row == ["conv", "3/4", "1", "90.00", "%", "▁▁█", "3", "2"]
    shown.stop(signal.SIGINT)
    clock[0] = 200.0
    console.print(shown._draw())
    assert "stopping; press Ctrl-C again to end now" in console.export_text()


def test_plain_lines_where_output_is_not_a_terminal(trial: TrialSpec, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress("sweep", {"conv": 4}, Limits(3), [])
    trials = [tune_trial(trial, n, 5, accuracy) for n, accuracy in enumerate((0.5, 0.9, 0.7, 0.0))]
    with shown.shown():
        run_trials(shown, trials, ["completed", "stopped", "completed", "diverged"])
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.endswith("elapsed | 0/4 ended")
    for part in ("conv 4/4 ended (1 stopped, 1 diverged)", "0 running", "incumbent 70.00 %"):
        assert part in last
    assert "\x1b" not in last


def test_a_line_names_what_is_going_on_and_what_has_ended_since(
    trial: TrialSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Progress("rerun", {"dct": 1, "conv": 10, "learned": 1}, Limits(1), [])
    reruns = [tune_trial(trial, n, 1, 0.5) for n in range(10)]
    first_of_dct = tune_trial(replace(trial, architecture="dct"), 10, 1, 0.8)
    with shown.shown():
        run_trials(shown, [first_of_dct, *reruns], ["completed"] * 11)
    began, *lines = capsys.readouterr().err.splitlines()
    assert "0/12 ended" in began
    assert sum("dct 1/1 ended, 0 running, mean 80.00 %" in line for line in lines) == 1
    assert [line.count("conv ") for line in lines[-3:]] == [1, 1, 1]
    assert not any("learned" in line for line in lines)
    assert "11/12 ended" in lines[-1]


def test_a_line_leaves_out_what_waits_and_did_not_change(
    trial: TrialSpec, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    shown = Progress("rerun", {"dct": 2, "conv": 2}, Limits(1), [])
    with shown.shown():
        run_trials(shown, [tune_trial(replace(trial, architecture="dct"), 0, 1, 0.8)], ["completed"])
        capsys.readouterr()
        run_trials(shown, [tune_trial(trial, 1, 3, 0.5)], ["completed"])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 3
    assert all("conv " in line for line in lines)  # It runs in most of them, and ends in the last.
    assert sum("dct " in line for line in lines) <= 1  # What ended before is told once.


def test_a_sweep_without_a_finished_trial_shows_the_best_stopped_one(
    trial: TrialSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Progress("sweep", {"conv": 1}, Limits(3), [])
    with shown.shown():
        run_trials(shown, [tune_trial(trial, 0, 5, 0.9)], ["stopped"])
    assert "incumbent - (stopped: 90.00 %)" in capsys.readouterr().err


def test_a_row_reported_again_takes_no_time(trial: TrialSpec) -> None:
    shown = Progress("sweep", {"conv": 2}, Limits(3), [])
    told = tune_trial(trial, 0, 3, 0.5)
    shown.on_trial_start(0, [told], told)
    shown.on_trial_result(0, [told], told, told.last_result | {"seconds": 0.0, "again": True})
    assert shown.estimate_seconds_left() is None  # Nothing was trained yet.
    shown.on_trial_recover(0, [told], told)
    assert not shown._tallies["conv"].running


def test_reruns_show_their_mean(trial: TrialSpec, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress("rerun", {"conv": 2}, Limits(3), [])
    with shown.shown():
        run_trials(shown, [tune_trial(trial, n, 1, 0.4 + n / 5) for n in (0, 1)], ["completed"] * 2)
    assert "mean 50.00 %" in capsys.readouterr().err


def test_trials_of_before_count(tmp_path: Path, trial: TrialSpec, capsys: pytest.CaptureFixture[str]) -> None:
    folder = TrialFolder(tmp_path, trial)
    folder.open()
    folder.commit(
        {"epoch": 1, "val_accuracy": 0.8, "time": 0.0}, "running", {}, lambda path, record: path.write_text("")
    )
    folder.decide("completed", 1)
    with Progress("sweep", {"conv": 3}, Limits(1), [folder]).shown():
        pass
    assert "conv 1/3 ended" in capsys.readouterr().err


def test_a_listener_hears_where_a_resumed_trial_stood(tmp_path: Path, trial: TrialSpec) -> None:
    folder = TrialFolder(tmp_path, trial)
    folder.open()
    for epoch in (1, 2):
        row = {"epoch": epoch, "val_accuracy": 0.3 * epoch, "time": 0.0}
        folder.commit(row, "running", {}, lambda path, record: path.write_text(""))
    heard: list[Event] = []
    shown = Progress("sweep", {"conv": 2}, Limits(3), [folder], on_event=heard.append)
    resumed, new = (tune_trial(each, n, 3, 0.9) for n, each in enumerate((trial, replace(trial, seed=5))))
    for tuned in (resumed, new):
        last, tuned.last_result = tuned.last_result, {}
        shown.on_trial_start(0, [tuned], tuned)
        if tuned is new:
            shown.on_trial_result(0, [tuned], tuned, last | {"status": "running"})
            tuned.last_result = last
        shown.mark_ended(tuned, "completed" if tuned is new else "failed")  # Its worker died before it said a word.
    told = [(event.kind, event.epoch, event.accuracy, event.status, event.done) for event in heard]
    assert told == [
        ("started", 2, 0.6, "running", 0),
        ("ended", 2, 0.6, "failed", 1),
        ("started", 0, None, "running", 1),
        ("epoch", 3, 0.9, "running", 1),
        ("ended", 3, 0.9, "completed", 2),
    ]
    assert {(event.phase, event.architecture, event.planned) for event in heard} == {("sweep", "conv", 2)}


def test_what_a_listener_raises_is_kept_and_it_hears_no_more(trial: TrialSpec) -> None:
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        raise ValueError("enough")

    shown = Progress("sweep", {"conv": 2}, Limits(3), [], on_event=listen)
    run_trials(shown, [tune_trial(trial, n, 1, 0.5) for n in range(2)], ["completed"] * 2)
    assert len(heard) == 1
    assert str(shown.refusal) == "enough"


def test_a_notebook_has_one_table_that_is_drawn_anew(
    trial: TrialSpec, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, drawn = [100.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(progress, "make_console", lambda standard_error: Console(force_jupyter=True))

    def display(table: Table, display_id: bool) -> Any:
        assert display_id
        drawn.append(table)
        return SimpleNamespace(update=drawn.append)

    monkeypatch.setattr(progress, "import_module", lambda name: SimpleNamespace(display=display))
    shown = Progress("sweep", {"conv": 1}, Limits(3), [])
    with shown.shown():
        told = tune_trial(trial, 0, 2, 0.75)
        shown.on_trial_start(0, [told], told)
        for clock[0] in (101.0, 101.1, 101.2, 102.0, 300.0):  # Three moments at which it is drawn.
            shown.on_step_begin(0, [told])
        shown.on_trial_result(0, [told], told, told.last_result)
        shown.mark_ended(told, "completed")
    assert len(drawn) == 1 + 3 + 1
    html, text = (drawn[-1]._repr_mimebundle_([], [])[kind] for kind in ("text/html", "text/plain"))
    assert "75.00 %" in text
    assert html.startswith("<pre")
    assert capsys.readouterr() == ("", "")  # No lines beside it.


def test_time_left(trial: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at a time: 4 of 8 trials of 5 epochs x 2 s took 20 s from the first epoch's start, so 20 s are left."""
    now = 102.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    shown = Progress("sweep", {"conv": 8}, Limits(5), [])
    assert shown.estimate_seconds_left() is None
    with shown.shown():
        run_trials(shown, [tune_trial(trial, n, 5, 0.5) for n in range(4)], ["completed"] * 4)
        now = 120.0
        assert shown.estimate_seconds_left() == pytest.approx(20.0)


def test_where_nothing_runs_for_long_it_says_why(
    trial: TrialSpec, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    shown = Progress("sweep", {"conv": 1}, Limits(3), [], lambda: "[others] hold the CPUs")
    with shown.shown():
        for clock[0] in (100.0, 119.0, 121.0, 122.0, 180.0, 182.0):
            shown.on_step_begin(0, [])
        running = tune_trial(trial, 0, 5, 0.9)
        shown.on_trial_start(0, [running], running)
        for clock[0] in (300.0, 400.0):
            shown.on_step_begin(0, [running])
    lines = capsys.readouterr().err.splitlines()
    told = [line for line in lines if line.endswith("| no trial is running: [others] hold the CPUs")]
    assert [line.split()[1] for line in told] == ["0:00:21", "0:01:22"]
