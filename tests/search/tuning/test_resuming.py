"""Real runs that are extended, lengthened, limited and tried again, each compared with one that was not."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spaces.files.sealed import seal
from tests.plugin import in_workers
from tests.search.alone import read_records, read_rows, train_alone

ROOT = Path(__file__).resolve().parents[3]
SWEEP = ["sweep", "--scheduler", "none", "--architectures", "conv"]

pytestmark = pytest.mark.slow


def invsearch(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "search", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=240, check=False
    )


def done(*arguments: str, **environment: str) -> str:
    """Runs a command that must succeed; returns what it said."""
    finished = invsearch(*arguments, **environment)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout + finished.stderr


def stamps(run: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in run.glob("trials/*/record.json")}


def outcomes(run: Path) -> list[str]:
    return sorted(json.loads(path.read_bytes())["status"] for path in run.glob("trials/*/verdict.json"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three trials of five epochs each, one at once; no test changes them but in a copy."""
    run = tmp_path_factory.mktemp("begun") / "run"
    options = ("--keep-checkpoints", "all", "--max-concurrent", "1")
    done(*SWEEP, "--samples", "3", "--epochs", "5", *options, "--out", str(run))
    return run


@pytest.fixture
def copied(begun: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(begun, tmp_path / "copied"))


def test_at_most_so_many_at_once(begun: Path) -> None:
    """With one at once, the trials' rows do not interleave."""
    rows = sorted((row["time"], name) for name, record in read_records(begun).items() for row in record["rows"])
    order = [name for name, _ in itertools.groupby(name for _, name in rows)]
    assert len(order) == len(set(order)) == 3


def test_longer_trials_go_on_where_they_ended(copied: Path) -> None:
    """Bitwise as if they had been asked for at once; and back to the shorter command, which changes nothing."""
    short = copied
    done(*SWEEP, "--samples", "3", "--epochs", "9", "--out", str(short))
    assert read_rows(short) == train_alone(short)
    assert {len(rows) for rows in read_rows(short).values()} == {9}
    assert outcomes(short) == ["completed"] * 3
    before = stamps(short)
    assert "already asks for 9 epochs, so not 5" in done(*SWEEP, "--samples", "3", "--epochs", "5", "--out", str(short))
    assert stamps(short) == before
    refused = invsearch(*SWEEP, "--samples", "3", "--epochs", "12", "--out", str(short))
    assert refused.returncode == 2
    assert "3 of 3 finished ones have no checkpoint" in refused.stderr.splitlines()[-1]


def test_a_run_with_ids_of_the_earlier_form_goes_on(copied: Path) -> None:
    """They had no letter in front, up to revision 657d15c. What ended stays; the rest and the reruns follow."""
    run = copied
    for path in [*run.glob("trials/*/record.json"), *run.glob("trials/*/verdict.json")]:
        content = json.loads(path.read_bytes())
        record = content.get("record", content)
        record["trial"]["config_id"] = record["trial"]["config_id"].removeprefix("c")
        content.pop("checksum")
        path.write_bytes(seal(content))
    before = stamps(run)
    done(*SWEEP, "--samples", "4", "--epochs", "5", "--out", str(run))
    assert before.items() <= stamps(run).items()
    assert len(stamps(run)) == 4
    done("rerun", str(run), "--seeds", "1")
    assert before.items() <= stamps(run).items()
    assert re.search(r"Convolutional .* 1 \|", done("table", "summary", str(run)))
    assert train_alone(run).items() <= read_rows(run).items()
    assert "5 trials, 0 damaged" in done("check", str(run))


def test_a_larger_grid_adds_only_its_new_points(tmp_path: Path) -> None:
    space, run = tmp_path / "grid.yaml", tmp_path / "run"
    rest = "momentum: 0.5\nweight_decay: 1e-5\ngain: 1\n"
    space.write_text("lr: {choice: [0.01, 0.1]}\n" + rest)
    command = [*SWEEP, "--space", str(space), "--epochs", "5", "--out", str(run)]
    done(*command)
    before = stamps(run)
    space.write_text("lr: {choice: [0.01, 0.03, 0.1]}\n" + rest)
    done(*command)
    assert len(read_records(run)) == 3
    assert {path: time for path, time in stamps(run).items() if path in before} == before
    space.write_text("lr: {choice: [0.01, 0.05]}\n" + rest)
    refused = invsearch(*command)
    assert refused.returncode == 2
    assert "a grid can only grow" in refused.stderr


def test_failures_stay_until_they_are_to_be_tried_again(tmp_path: Path) -> None:
    """A trial fails in its third epoch, for a reason that goes away; it goes on from the second."""
    run = tmp_path / "run"
    in_workers(
        tmp_path,
        "import search.training.loop\n"
        "epoch = search.training.loop.Training.run_epoch\n"
        "def run_epoch(self):\n"
        "    if self.spec.theta.lr > 0.1 and self.epoch == 2:\n"
        "        raise MemoryError('no memory today')\n"
        "    return epoch(self)\n"
        "search.training.loop.Training.run_epoch = run_epoch\n",
    )
    space = tmp_path / "two.yaml"
    space.write_text("lr: {choice: [0.05, 0.2]}\nmomentum: 0\nweight_decay: 0\ngain: 1\n")
    command = [*SWEEP, "--space", str(space), "--epochs", "5", "--out", str(run)]
    assert invsearch(*command, PYTHONPATH=f"{tmp_path}:{ROOT}").returncode == 3
    assert outcomes(run) == ["completed", "failed"]
    assert invsearch(*command).returncode == 3  # Not tried again.
    done(*command, "--retry-failed")
    assert outcomes(run) == ["completed"] * 2
    (failed,) = (record for record in read_records(run).values() if record["notes"])
    assert failed["notes"][-1] == "tried again after epoch 2: MemoryError: no memory today"
    assert [row["epoch"] for row in failed["rows"]] == [1, 2, 3, 4, 5]
    assert read_rows(run) == train_alone(run)


def test_a_time_budget_ends_it_cleanly(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [*SWEEP, "--samples", "4", "--epochs", "4000", "--out", str(run)]
    for budget in ("12s", "40s", "120s"):  # Machines that are busy take longer to begin.
        ended = invsearch(*command, "--time-budget", budget)
        assert ended.returncode == 3, ended.stderr
        if "before more was trained" not in ended.stderr:
            break
    last = ended.stderr.splitlines()[-1]
    assert re.match(
        r"invsearch: the time budget is used up, \d+ epochs? (was|were) trained; to resume: invsearch sweep", last
    )
    assert json.loads((run / "history.jsonl").read_text().splitlines()[-1])["outcome"] == "halted"
    assert len(outcomes(run)) < 4
    assert "Traceback" not in ended.stderr


def test_other_versions_are_refused_before_anything_is_written(copied: Path, tmp_path: Path) -> None:
    run = copied
    command = [*SWEEP, "--samples", "3", "--epochs", "5", "--out", str(run)]
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as metadata\n"
        "found = metadata.version\n"
        "metadata.version = lambda name: '9.9.9' if name == 'torch' else found(name)\n"
    )
    other = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "driver.lock"}
    refused = invsearch(*command, "--samples", "4", **other)
    assert refused.returncode == 2
    assert "here; resume with what it was begun with, or with --accept-changes" in refused.stderr
    now = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "driver.lock"}
    assert now == files
    done(*command, "--samples", "4", "--accept-changes", **other)
    makers = [record["makers"][0]["torch"] for record in read_records(run).values()]
    assert sorted(makers)[-1] == "9.9.9"
    assert len(set(makers)) == 2


def test_a_worker_that_cannot_start_is_no_endless_loop(tmp_path: Path) -> None:
    """As on a node without a driver for its GPU."""
    run = tmp_path / "run"
    in_workers(
        tmp_path,
        "import search.tuning.trainable\n"
        "def setup(self, config, **options):\n"
        "    raise RuntimeError('no such device')\n"
        "search.tuning.trainable.RecordedTrial.setup = setup\n",
    )
    ended = invsearch(*SWEEP, "--samples", "1", "--out", str(run), PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert ended.returncode == 3, ended.stderr
    assert outcomes(run) == []  # It is no fault of the trial.
    assert "a worker cannot start: RuntimeError: no such device" in ended.stderr
    assert "Traceback" not in ended.stderr
