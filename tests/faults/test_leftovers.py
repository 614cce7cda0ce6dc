"""What a killed driver has started ends, and what another one has does not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.harness import GONE, Driver, epochs

pytestmark = pytest.mark.slow
ENDLESS = ["--samples", "2", "--epochs", "5000", "--scheduler", "none", "--dataset", "digits", "--max-concurrent", "1"]


def started(run: Path) -> tuple[Driver, list[psutil.Process]]:
    """A driver that trains, and all that it has started."""
    driver = Driver("sweep", *ENDLESS, "--architectures", "conv", "--out", str(run))
    driver.wait_for(lambda: epochs(run) > 0)
    return driver, driver.family()[1:]


def test_nothing_runs_on_without_its_driver(tmp_path: Path) -> None:
    other, _ = started(tmp_path / "other")
    try:
        first, mine = started(tmp_path / "run")
        programs = ""
        for process in mine:
            with suppress(*GONE):
                programs += " ".join(process.cmdline())
        assert all(f"programs/{name}.py" in programs for name in ("template", "worker", "agent"))
        first.kill()
        assert psutil.wait_procs(mine, timeout=30)[1] == []  # Not even the template and the stand-ins for agents.
        assert other.alive
        assert other.workers()
    finally:
        other.kill()
