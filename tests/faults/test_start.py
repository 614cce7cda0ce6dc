"""A driver that is told to end while Ray is still starting."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.harness import PATIENCE, Driver

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [1, 2])
def test_sigterm_while_ray_starts(tmp_path: Path, seed: int) -> None:
    """It says how to go on, and leaves no process of Ray behind."""
    line = ["sweep", "--out", str(tmp_path / "run")]  # Minutes long: it must not end before it is told to.
    driver = Driver(*line)
    driver.wait_for(lambda: "starting Ray" in driver.errors)
    time.sleep(random.Random(seed).uniform(0.0, 2.0))
    family = driver.family()
    driver.process.send_signal(signal.SIGTERM)
    assert driver.wait() == 143, driver.errors
    assert driver.errors.splitlines()[-1] == f"invsearch: interrupted; to resume: invsearch {' '.join(line)}"
    assert "Traceback" not in driver.errors
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    assert not alive
