"""A time budget that runs out while workers train."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.harness import PATIENCE, ROOT
from tests.plugin import in_workers

pytestmark = pytest.mark.slow

# Time is up as soon as a worker trains, however long this machine took until then.
DRIVER = """
import sys
from pathlib import Path
from search.tuning.policy import Policy
Policy.is_time_up = lambda self: Path(sys.argv[1]).exists()
from search.cli import main
sys.exit(main(sys.argv[2:]))
"""
# Tune kills a worker ten seconds after it has told it to stop.
WORKER = """
import time
from pathlib import Path
import search.training.loop
epoch = search.training.loop.Training.run_epoch
def run_epoch(self):
    Path({begun!r}).touch()
    time.sleep(13)
    return epoch(self)
search.training.loop.Training.run_epoch = run_epoch
"""


def test_an_epoch_in_progress_is_the_last_one_and_is_kept(tmp_path: Path) -> None:
    begun, run = tmp_path / "begun", tmp_path / "run"
    in_workers(tmp_path, WORKER.format(begun=str(begun)))
    given = ["sweep", "--architectures", "conv", "--samples", "3", "--epochs", "3", "--time-budget", "1d"]
    given += ["--max-concurrent", "1", "--out", str(run)]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(begun), *given],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 3, done.stderr
    told = f"invsearch: the time budget is used up, 1 epoch was trained; to resume: invsearch {' '.join(given)}"
    assert done.stderr.splitlines()[-1] == told
    (record,) = run.glob("trials/*/record.json")
    assert [row["epoch"] for row in json.loads(record.read_bytes())["rows"]] == [1]
    assert (record.parent / "checkpoint-1.safetensors").exists()
    assert not list(run.glob("trials/*/verdict.json"))
    assert json.loads((run / "history.jsonl").read_text().splitlines()[-1])["outcome"] == "halted"
