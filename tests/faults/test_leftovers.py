"""What a killed driver leaves of Ray is ended by the next start of its run, and nobody else's is."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.faults.harness import Driver, epochs

pytestmark = pytest.mark.slow
ENDLESS = ["--samples", "2", "--epochs", "5000", "--scheduler", "none", "--dataset", "digits", "--max-concurrent", "1"]


def started(run: Path) -> tuple[Driver, list[psutil.Process]]:
    """A driver that trains, and the agents of its Ray."""
    before = epochs(run)
    driver = Driver("sweep", *ENDLESS, "--architectures", "conv", "--out", str(run))
    driver.wait_for(lambda: epochs(run) > before)
    return driver, [process for process in driver.family() if "Agent" in "".join(process.cmdline()[:1])]


def test_agents_end_with_the_next_start(tmp_path: Path) -> None:
    other, others_agents = started(tmp_path / "other")
    first, agents = started(tmp_path / "run")
    assert len(agents) == len(others_agents) == 2
    first.kill(settled=True)
    assert all(agent.is_running() for agent in agents)  # They take a minute to notice.
    second, new = started(tmp_path / "run")
    try:
        assert not any(agent.is_running() for agent in agents)
        assert len(new) == 2
        assert all(agent.is_running() for agent in [*new, *others_agents])
    finally:
        second.kill()
        other.kill()
