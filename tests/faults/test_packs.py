"""Packs under kills: each lane ends as in the same packs without them, bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness import finish
from tests.faults.havoc import Havoc
from tests.faults.invariants import check_complete, check_same_results, records

pytestmark = pytest.mark.slow

SHAPE = ["--samples", "7", "--epochs", "36", "--grace-period", "3", "--reduction-factor", "2"]
PACKS = ["--dataset", "digits", "--architectures", "invariant", "--scheduler", "halving", "--pack", "4", *SHAPE]


def test_lanes_end_as_if_nothing_had_been_killed(tmp_path: Path) -> None:
    options, whole = [*PACKS, "--keep-checkpoints", "all"], tmp_path / "whole"
    assert finish("sweep", *options, "--out", str(whole))[0] == 0
    havoc = Havoc(tmp_path / "run", options, seed=1)
    havoc.survive({"worker": 1, "driver": 1}, most_epochs=8)
    assert (havoc.kills.total(), havoc.starts) == (2, 2)
    check_complete(havoc.run)
    assert {maker["engine"] for record in records(havoc.run).values() for maker in record["makers"]} == {"pack"}
    check_same_results(havoc.run, whole)
    assert finish("check", str(havoc.run)) == (0, "")
