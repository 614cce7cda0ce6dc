"""A machine that runs low on memory: Ray's own answer ends Tune, so locally it is switched off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.measures import counting_environment, started

ROOT = Path(__file__).resolve().parents[2]
LOW = {"RAY_memory_usage_threshold": "0.001"}  # Any machine is always above it, and Ray would kill at once.

pytestmark = pytest.mark.slow


def test_memory_that_others_take_kills_no_worker(tmp_path: Path) -> None:
    asked = f"train conv --dataset digits --seeds 2 --epochs 60 --out {tmp_path / 'run'}"
    done = subprocess.run(
        [sys.executable, "-m", "search", *asked.split()],
        cwd=ROOT,
        env=os.environ | LOW | counting_environment(tmp_path / "begun"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert started(tmp_path / "begun") == 2 * 60  # No epoch twice, as after the death of a worker.
