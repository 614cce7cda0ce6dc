"""Reruns that are only planned, and the table that is named after them."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.cli import main
from search.commands.rerun import choose_table
from search.options import choose_exit_code
from tests.analysis.conftest import RunFolder


def test_what_is_left_of_a_run(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Its 2 reruns of each architecture have ended: of 5, 3 of one epoch are left, at 10 s on one slot."""
    before = {path: path.stat().st_mtime_ns for path in small.path.rglob("*")}
    asked = ["--seeds", "5", "--dry-run", "--assume", "cpus=1,seconds-per-epoch=10"]
    assert main(["rerun", str(small.path), *asked]) == 0
    shown = capsys.readouterr().out
    assert "conv: rerun: 3 trials left, about 3 epochs, assumed, 10 s an epoch, about 30 s" in shown
    assert f"in all about 60 s and 0 MiB of disk for what is left in {small.path}; nothing was run" in shown
    assert {path: path.stat().st_mtime_ns for path in small.path.rglob("*")} == before


def test_the_hint_about_failures_finds_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.sweep("conv", [0.5], "failed", status="failed")
    folder.rerun("conv", [0.5], "failed", status="failed")
    run = folder.write()
    assert choose_exit_code(1, run, "rerun") == 3
    said = capsys.readouterr().err
    assert said == f"1 trial failed; see: invsearch status {run} --phase rerun --filter status=failed\n"
    assert main(shlex.split(said.partition("see: invsearch ")[2])) == 0
    assert "no trials" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("architectures", "dataset", "table"),
    [
        (("conv", "invariant"), "mnist", "1.3"),
        (("conv", "dct"), "digits", "1.4"),
        (("conv", "invC"), "cifar10", "ranking"),
        (("conv", "invariant"), "npz-pets", "ranking"),
    ],
)
def test_the_table_that_shows_all_of_it(small: Any, architectures: tuple[str, ...], dataset: str, table: str) -> None:
    assert choose_table(replace(small.spec, architectures=architectures, dataset=dataset)) == table
