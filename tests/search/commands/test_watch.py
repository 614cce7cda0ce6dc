"""Following a run from another terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.records.following import Follower
from search.cli import main
from search.commands import watch
from search.storage.driver import DriverLock
from search.storage.json_files import write_json
from search.storage.trial_folder import TrialFolder
from spaces import TrialSpec, UserError
from spaces.files.sealed import read_sealed
from spaces.specs.run import RunSpec
from tests.search.commands.conftest import BEST

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def going(tmp_path: Path, small: Any) -> tuple[Path, list[TrialSpec]]:
    """A sweep of two trials, none begun."""
    spec: RunSpec = small.spec
    content = spec.as_dict() | {"architectures": ("conv",), "rerun_seeds": None, "rerun_epochs": None}
    write_json(tmp_path / "spec.json", content)
    return tmp_path, [spec.sweep_trial("conv", theta) for theta in spec.list_points("conv")]


def end(run: Path, trial: TrialSpec, accuracy: float) -> None:
    folder = TrialFolder(run, trial)
    folder.open()
    row = {"epoch": 1, "val_accuracy": accuracy, "val_loss": 0.5, "train_loss": 0.5, "seconds": 1.0}
    folder.commit(row | {"time": time.time()}, "running", {}, lambda path, record: path.write_text(""))
    folder.decide("completed", 1)
    folder.close()


def test_once(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(small.path), "--once"]) == 0
    shown = capsys.readouterr().out
    trial = small.spec.list_rerun_trials("invariant", BEST)[-1].trial_id  # The last to end.
    for word in ("no driver is working on it", "nothing is left to do", "rerun", "ended last", "completed", trial):
        assert word in shown
    conv = next(line for line in shown.splitlines() if line.startswith("conv"))
    assert conv.split()[1:4] == ["sweep", "2/2", "2"]
    assert "failed" not in shown  # No trial has.
    assert "\x1b" not in shown


def test_a_finished_run_ends_it_at_once(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(small.path), "--interval", "1000"]) == 0
    (only,) = capsys.readouterr().out.splitlines()
    assert "conv sweep 2/2 ended" in only
    assert "invariant rerun 2/2 ended, mean " in only


def test_a_line_for_each_change_until_nothing_is_left(
    going: tuple[Path, list[TrialSpec]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, trials = going
    steps = iter([lambda: None, lambda: end(run, trials[0], 0.5), lambda: None, lambda: end(run, trials[1], 0.75)])
    monkeypatch.setattr(watch.time, "sleep", lambda seconds: next(steps)())
    assert main(["watch", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["0/2" in lines[0], "1/2" in lines[1], "2/2" in lines[2], len(lines)] == [True, True, True, 3]
    assert f"incumbent 75.00 % ({trials[1].trial_id})" in lines[2]
    assert "about 2 epochs left" in lines[0]


def test_a_line_tells_only_of_what_changed(
    tmp_path: Path, small: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "spec.json", small.spec.as_dict() | {"rerun_seeds": None, "rerun_epochs": None})
    order = ["conv", "conv", "invariant", "invariant"]
    trials = [small.spec.sweep_trial(*both) for both in zip(order, small.spec.list_points("conv") * 2, strict=True)]
    steps = iter(trials)
    monkeypatch.setattr(watch.time, "sleep", lambda seconds: end(tmp_path, next(steps), 0.5))
    assert main(["watch", str(tmp_path)]) == 0
    told = [line.split(" | ")[1:3] for line in capsys.readouterr().out.splitlines()]
    assert [parts[0] for parts in told] == [f"{ended}/4 ended" for ended in range(5)]
    assert told[0][1].startswith("about")  # Nothing has begun.
    assert [parts[1].split(", ")[0] for parts in told[1:]] == [
        f"{name} sweep {ended}/2 ended" for name in ("conv", "invariant") for ended in (1, 2)
    ]


def test_tables_fit_a_terminal_of_80_columns(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    view = watch.View(Follower(str(small.path)), small.path)
    Console(width=80).print(watch.make_view(view))
    shown = capsys.readouterr().out
    assert "\u2026" not in shown  # The ellipsis of a heading or a name cut off.
    assert "trials" in shown


def test_who_drives_it_and_how_fast(
    going: tuple[Path, list[TrialSpec]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, trials = going
    lock = DriverLock(run)
    lock.take()
    end(run, trials[0], 0.5)
    assert main(["watch", str(run), "--once"]) == 0
    assert f"driven by {os.uname().nodename} pid {os.getpid()}" in capsys.readouterr().out
    lock.release()
    assert main(["watch", str(run), "--once"]) == 0
    assert "no driver is working on it" in capsys.readouterr().out


def test_status_watch_and_a_second_driver_agree_about_one_on_another_machine(
    going: tuple[Path, list[TrialSpec]], capsys: pytest.CaptureFixture[str]
) -> None:
    run, trials = going
    end(run, trials[0], 0.5)
    lock = DriverLock(run)
    lock.take()
    note = read_sealed(run / "driver.lock")
    assert note is not None
    lock.release()
    write_json(run / "driver.lock", note | {"host": "node-7", "boot": "another"})
    for command in (["status", str(run)], ["watch", str(run), "--once"]):
        assert main(command) == 0
        assert f"driven by node-7 pid {os.getpid()} since" in capsys.readouterr().out
    with pytest.raises(UserError, match=f"in use by node-7 pid {os.getpid()} since"):
        DriverLock(run).take()


def test_a_damaged_record_is_named(going: tuple[Path, list[TrialSpec]], capsys: pytest.CaptureFixture[str]) -> None:
    run, trials = going
    end(run, trials[0], 0.5)
    (run / "trials" / trials[0].trial_id / "record.json").write_text("{")
    assert main(["watch", str(run), "--once"]) == 3
    captured = capsys.readouterr()
    assert "1 cannot be read" in captured.out
    assert trials[0].trial_id in captured.err


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "x"])
def test_intervals_that_are_refused(interval: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(tmp_path), "--interval", interval]) == 2
    assert "interval" in capsys.readouterr().err


def test_it_needs_neither_torch_nor_ray(small: Any) -> None:
    code = (
        "import sys; from search.cli import main\n"
        "code = main(['watch', sys.argv[1], '--once'])\n"
        "sys.exit(code or bool({'torch', 'ray'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code, str(small.path)], cwd=ROOT, check=True, capture_output=True)


def test_on_a_terminal_it_draws_in_place_and_ctrl_c_ends_it(going: tuple[Path, list[TrialSpec]]) -> None:
    run, trials = going
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "search", "watch", str(run), "--interval", "0.1"],
        cwd=ROOT,
        stdout=slave,
        stderr=subprocess.PIPE,
        env=os.environ | {"COLUMNS": "130", "TERM": "xterm"},
    )
    os.close(slave)
    shown = b""
    try:
        while b"about 2 epochs left" not in shown:
            shown += os.read(master, 4096)
        end(run, trials[0], 0.5)
        while b"50.00 %" not in shown:
            shown += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        drain = b""
        while True:
            try:
                drain = os.read(master, 4096)
            except OSError:  # The terminal's other end is closed.
                break
            if not drain:
                break
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(master)
    assert process.returncode == 130
    assert b"\x1b[" in shown
    assert b"\\x1b" not in shown  # As letters, which draw the next table below the one before.
    assert error.decode().startswith("invsearch: interrupted; to resume: invsearch watch")
