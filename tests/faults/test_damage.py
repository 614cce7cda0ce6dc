"""Files that are lost or damaged between two runs of the same command, or while it runs."""

from __future__ import annotations

import random
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.faults.damage import garble, garble_line, tear, truncate
from tests.faults.harness import Driver, ended, epochs, finish
from tests.faults.invariants import check_complete, check_decisions, check_same_results, decisions, records

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("paced")]
SEED = 5


def list_under_way(run: Path, most_epochs: int) -> list[str]:
    """Trials on record without an outcome."""
    begun = [path.name for path in (run / "trials").glob("*") if 1 <= epochs(run, path.name) <= most_epochs]
    return sorted(set(begun) - set(ended(run)))


def killed_when(line: list[str], what: Callable[[], Any]) -> str:
    """Runs a command until a condition is true, and kills it; what it said."""
    driver = Driver(*line)
    try:
        driver.wait_for(what)
    finally:
        driver.kill(settled=True)
    return driver.errors


def set_aside(path: Path, errors: str) -> bool:
    """Whether a file was named as damaged, in one line, and what was damaged was kept."""
    named = [line for line in errors.splitlines() if str(path) in line and "set aside" in line]
    return len(named) == 1 and len(list(path.parent.glob(f"{path.name}.damaged-*"))) == 1


def test_one_record_and_then_everything(full: list[str], undisturbed: Path, tmp_path: Path) -> None:
    """Whatever was damaged is named, set aside and made good: the run ends as the undisturbed one."""
    run, chooser = tmp_path / "run", random.Random(SEED)
    line = ["sweep", *full, "--out", str(run)]
    killed_when(line, lambda: ended(run))
    shutil.rmtree(run / ".tune")
    record = run / "trials" / ended(run)[0] / "record.json"
    garble(record, chooser)

    # Far from its end, or it would have an outcome before the kill.
    errors = killed_when(line, lambda: len(ended(run)) >= 4 and list_under_way(run, most_epochs=90))
    assert set_aside(record, errors), errors

    first, second = sorted(ended(run))[:2]
    trial = list_under_way(run, most_epochs=119)[0]
    weights = run / "trials" / trial / f"checkpoint-{records(run)[trial]['rows'][-1]['epoch']}.safetensors"
    garbled = [
        run / "trials" / first / "record.json",
        run / "trials" / second / "verdict.json",
        run / "spec.json",
        run / "environment.json",
        run / "costs.json",
        run / "driver.lock",
        weights,
    ]
    for path in garbled:
        chooser.choice([garble, truncate])(path, chooser)
    tear(run / "history.jsonl", chooser)
    before = set(run.glob("trials/*/*.damaged-*"))

    code, errors = finish(*line)
    assert code == 0, errors
    assert "Traceback" not in errors
    for path in garbled[:-1]:
        assert set_aside(path, errors) or path == record, errors
    assert set_aside(run / "history.jsonl", errors), errors
    assert len(list(weights.parent.glob(f"{weights.name}.damaged-*"))) == 1
    assert before < set(run.glob("trials/*/*.damaged-*"))
    notes = {name for name, content in records(run).items() if content["notes"]}
    assert notes == {weights.parent.name}
    check_complete(run, noted=notes)
    check_same_results(run, undisturbed)
    assert finish("check", str(run))[0] == 0


def test_decisions(tmp_path: Path) -> None:
    """Lost judgements are entered again from the records, and no trial is judged twice."""
    run, chooser = tmp_path / "run", random.Random(SEED)
    shape = ["--samples", "12", "--epochs", "16", "--grace-period", "2", "--reduction-factor", "2"]
    line = ["sweep", "--dataset", "digits", *shape, "--out", str(run)]
    driver = Driver(*line)
    driver.wait_for(lambda: len(decisions(run)) >= 16)
    driver.kill(settled=True)
    garble_line(run / "decisions.jsonl", chooser)
    tear(run / "decisions.jsonl", chooser)
    code, errors = finish(*line)
    assert code == 0, errors
    assert set_aside(run / "decisions.jsonl", errors), errors
    check_complete(run)
    check_decisions(run, restored=True)


def test_two_drivers_and_a_lost_scratch_folder(tmp_path: Path) -> None:
    """The second driver is refused in one line; the first one goes on, even without Tune's folder."""
    run = tmp_path / "run"
    shape = ["--samples", "3", "--epochs", "80", "--scheduler", "none"]
    line = ["sweep", "--dataset", "digits", *shape, "--out", str(run)]
    first = Driver(*line)
    first.wait_for((run / "history.jsonl").exists)
    second = Driver(*line)
    assert second.wait() == 2
    (said,) = second.errors.splitlines()
    pid = first.process.pid
    before, _, since = said.partition(" since ")
    assert before == f"invsearch: {run}: in use by {socket.gethostname()} pid {pid}"
    since, _, advice = since.partition("; ")
    assert advice == f"wait for it, or stop it: kill {pid}"
    born = psutil.Process(pid).create_time()
    assert born - 1 <= time.mktime(time.strptime(since, "%Y-%m-%d %H:%M:%S")) <= time.time()
    first.wait_for(lambda: epochs(run) >= 5)
    shutil.rmtree(run / ".tune")
    assert first.wait() == 0, first.errors
    check_complete(run)
