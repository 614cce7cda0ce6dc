"""What ``status`` and ``show`` print of further hyperparameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.cli import main
from spaces import Hyperparameters
from tests.analysis.conftest import RunFolder


def test_what_an_architecture_does_not_take_is_a_dash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "run")
    theta = Hyperparameters(0.1, 0.5, 1e-5, 1.0, activation="gelu", bias=True, width=64)
    trial = folder.sweep("invariant", [0.5], "stopped", theta=theta)
    folder.sweep("conv", [0.25], "stopped")
    path = str(folder.write())
    assert main(["status", path]) == 0
    head, *rows = [line.split() for line in capsys.readouterr().out.splitlines()[-3:]]
    shown = {row[1]: dict(zip(head, row, strict=False)) for row in rows}
    names = ("activation", "bias", "width")
    assert [shown["conv"][name] for name in names] == ["-"] * 3
    assert [shown["invariant"][name] for name in names] == ["gelu", "true", "64"]
    assert main(["show", path, trial]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[9:12] == [["activation", "gelu"], ["bias", "true"], ["width", "64"]]


def test_screens_fit_and_the_accuracies_stand_beside_the_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.streams.find_width", lambda: 80)
    folder = RunFolder(tmp_path / "run")
    theta = Hyperparameters(0.0316, 0.25, 3.16e-5, 1.5, activation="gelu", bias=True, width=64)
    trial = folder.sweep("invariant", [0.5], "stopped", theta=theta)
    folder.spec["data_source"] = "/somewhere/" + "far/" * 3
    monkeypatch.chdir(folder.write().parent)
    for command in (["status", "run"], ["show", "run", trial], ["list"], ["list", "."]):
        assert main(command) == 0
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= 80, command
        if command[0] == "status":
            first = next(line for line in shown.splitlines() if line.split()[:1] == [trial])
            assert "50.00 %" in first
            assert "gelu" in shown
