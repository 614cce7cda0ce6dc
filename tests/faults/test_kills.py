"""Driver, workers, and all but the driver, of a sweep on one machine are killed again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness import finish
from tests.faults.havoc import Havoc
from tests.faults.invariants import check_complete, check_decisions, check_same_results, check_same_rows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("paced")]


@pytest.mark.parametrize("seed", [1])
def test_results_are_those_of_an_undisturbed_run(full: list[str], undisturbed: Path, tmp_path: Path, seed: int) -> None:
    havoc = Havoc(tmp_path / "run", full, seed)
    havoc.survive({"worker": 6, "driver": 1, "start": 1, "machine": 1}, most_epochs=20)
    assert havoc.kills.total() == 9
    assert havoc.starts == 4
    check_complete(havoc.run)
    check_same_results(havoc.run, undisturbed)
    assert finish("check", str(havoc.run)) == (0, "")


@pytest.mark.parametrize("seed", [2])
def test_asha_decides_as_if_nothing_had_happened(undisturbed: Path, tmp_path: Path, seed: int) -> None:
    options = ["--samples", "40", "--epochs", "40", "--grace-period", "2", "--reduction-factor", "2"]
    havoc = Havoc(tmp_path / "run", ["--dataset", "digits", *options], seed)
    havoc.survive({"worker": 5, "driver": 2, "start": 1}, most_epochs=20)
    assert havoc.kills.total() == 8
    check_complete(havoc.run)
    check_decisions(havoc.run)
    check_same_rows(havoc.run, undisturbed)
    assert finish("check", str(havoc.run)) == (0, "")
