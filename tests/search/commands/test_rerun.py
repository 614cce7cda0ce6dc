"""Reruns that are only planned."""

from __future__ import annotations

from typing import Any

import pytest

from search.cli import main


def test_what_is_left_of_a_run(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Its 2 reruns of each architecture have ended: of 5, 3 of one epoch are left, at 10 s on one slot."""
    before = {path: path.stat().st_mtime_ns for path in small.path.rglob("*")}
    asked = ["--seeds", "5", "--dry-run", "--assume", "cpus=1,seconds-per-epoch=10"]
    assert main(["rerun", str(small.path), *asked]) == 0
    shown = capsys.readouterr().out
    assert "conv: rerun: 3 trials left, about 3 epochs, assumed, 10 s an epoch, about 30 s" in shown
    assert f"in all about 60 s and 0 MiB of disk for what is left in {small.path}; nothing was run" in shown
    assert {path: path.stat().st_mtime_ns for path in small.path.rglob("*")} == before
