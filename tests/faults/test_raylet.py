"""The raylet of a sweep on one machine is killed: Ray's own process that starts and minds the workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness import Driver, epochs, finish, kill
from tests.faults.invariants import Witness

pytestmark = pytest.mark.slow
ENDLESS = ["--samples", "2", "--epochs", "5000", "--scheduler", "none", "--dataset", "digits"]


def test_the_driver_ends_by_itself_and_the_command_goes_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    line = ["sweep", *ENDLESS, "--out", str(run)]
    witness = Witness(run)
    driver = Driver(*line)
    driver.wait_for(lambda: epochs(run) >= 5)
    kill(driver.wait_for(driver.raylet)[0])
    assert driver.wait() != 0
    witness.look()
    before = epochs(run)
    again = Driver(*line)
    try:
        again.wait_for(lambda: epochs(run) > before)
    finally:
        again.kill(settled=True)
    witness.look()
    assert finish("check", str(run)) == (0, "")
