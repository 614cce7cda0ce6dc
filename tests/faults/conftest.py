"""The undisturbed sweep that the disturbed ones have to equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.harness import finish

SHAPE = ["--samples", "4", "--epochs", "120", "--architectures", "conv,invariant"]
FULL = ["--dataset", "digits", "--scheduler", "none", "--keep-checkpoints", "all", *SHAPE]


@pytest.fixture(scope="session")
def full() -> list[str]:
    """Options of a sweep whose end is known bit by bit: nothing is stopped early, all checkpoints stay."""
    return FULL


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """How that sweep ends where nothing happens to it."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    code, errors = finish("sweep", *FULL, "--out", str(run))
    assert code == 0, errors
    return run
