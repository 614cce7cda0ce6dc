"""Reruns that are only planned, and the table that is named after them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from search.cli import main
from search.commands.rerun import choose_table


def test_what_is_left_of_a_run(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Its 2 reruns of each architecture have ended: of 5, 3 of one epoch are left, at 10 s on one slot."""
    before = {path: path.stat().st_mtime_ns for path in small.path.rglob("*")}
    asked = ["--seeds", "5", "--dry-run", "--assume", "cpus=1,seconds-per-epoch=10"]
    assert main(["rerun", str(small.path), *asked]) == 0
    shown = capsys.readouterr().out
    assert "conv: rerun: 3 trials left, about 3 epochs, assumed, 10 s an epoch, about 30 s" in shown
    assert f"in all about 60 s and 0 MiB of disk for what is left in {small.path}; nothing was run" in shown
    assert {path: path.stat().st_mtime_ns for path in small.path.rglob("*")} == before


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
