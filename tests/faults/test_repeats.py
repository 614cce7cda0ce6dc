"""Halving gives the same search again, whatever the number of workers and whoever is killed."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.faults.harness import finish
from tests.faults.havoc import Havoc
from tests.faults.invariants import check_complete

pytestmark = pytest.mark.slow

SWEEP = ["--dataset", "digits", "--scheduler", "halving", "--samples", "16", "--epochs", "12"]
RUNGS = ["--grace-period", "2", "--reduction-factor", "2"]  # At epochs 2, 4 and 8.
CLOCK = ("seconds", "time", "host", "node")


def read_status(run: Path) -> pd.DataFrame:
    """``status --csv`` without what the clock and the machine say."""
    command = [sys.executable, "-m", "search", "status", str(run), "--csv"]
    table = pd.read_csv(io.StringIO(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return table.drop(columns=[name for name in table if str(name).split("_")[0] in CLOCK])


@pytest.mark.usefixtures("paced")
def test_workers_and_kills_change_nothing(tmp_path: Path) -> None:
    tables = {}
    for workers in (1, 4):  # And 2 where some are killed.
        run = tmp_path / f"with-{workers}"
        room = ["--cpus-per-trial", "0.5", "--max-concurrent", str(workers)]
        code, errors = finish("sweep", *SWEEP, *RUNGS, *room, "--out", str(run))
        assert code == 0, errors
        tables[run.name] = read_status(run)
    havoc = Havoc(tmp_path / "killed", [*SWEEP, *RUNGS, "--max-concurrent", "2"], seed=1)
    havoc.survive({"worker": 2, "driver": 1}, most_epochs=8)
    assert havoc.kills == {"worker": 2, "driver": 1}
    check_complete(havoc.run)
    tables["killed"] = read_status(havoc.run)
    first = tables["with-1"]
    assert set(first["status"]) >= {"completed", "stopped"}
    assert {"trial_id", "status", "epoch", "val_accuracy"} <= {*first}
    for table in tables.values():
        pd.testing.assert_frame_equal(table, first, check_exact=True)
