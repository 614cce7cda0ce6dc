"""What Ray leaves on the disk of this machine when a sweep ends, or is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def list_sessions(pid: int | str = "*") -> set[Path]:
    return set(Path("/tmp/ray").glob(f"session_*_{pid}"))


def test_sessions_of_killed_and_ended_drivers_go(sweeps: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    before = list_sessions()  # Process ids come again.
    options = ("--samples", "1", "--epochs", "2", "--architectures", "conv")
    killed = sweeps.start(run, *options)
    sweeps.wait_for(lambda: (run / "ray_sessions.jsonl").exists(), killed)
    killed.kill()
    killed.communicate()
    assert list_sessions(killed.pid) - before
    ended = sweeps.start(run, *options)
    _, errors = ended.communicate(timeout=120)
    assert ended.returncode == 0, errors
    assert not list_sessions(killed.pid) - before
    assert not list_sessions(ended.pid) - before
    assert not (run / "ray_sessions.jsonl").exists()
