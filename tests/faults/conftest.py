"""The undisturbed sweep that the disturbed ones have to equal, and a cluster for them."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters.nodes import Cluster
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


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A head, to which the test adds nodes."""
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))
    folder = Path(tempfile.mkdtemp(prefix="inv-", dir="/tmp"))  # A short path, or its sockets' would be too long.
    try:
        cluster = Cluster(folder, {key: value for key, value in os.environ.items() if key != "PYTHONPATH"})
        yield cluster
        cluster.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path("/tmp/ray/ray_current_cluster").unlink(missing_ok=True)  # Or `--address auto` would look there for ever.
