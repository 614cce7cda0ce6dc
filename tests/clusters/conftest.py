"""Real Ray clusters of several nodes on this machine, and the sweeps that use them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.clusters.nodes import PATIENCE, Cluster, kill_tree, wait_for
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]


class Sweeps:
    """Starts sweeps in processes of their own, and reads what they have recorded."""

    def __init__(self, environment: Mapping[str, str]):
        self.environment = dict(environment)
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, run: Path, *options: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "search", "sweep", *options, "--out", str(run)]
        process = subprocess.Popen(
            line, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.processes.append(process)
        return process

    def finish(self, run: Path, *options: str) -> tuple[int, str]:
        """Its exit code and what it wrote to standard error."""
        process = self.start(run, *options)
        _, errors = process.communicate(timeout=PATIENCE)
        return process.returncode, errors

    free_port = staticmethod(free_port)
    wait_for = staticmethod(wait_for)

    @staticmethod
    def nodes(run: Path) -> dict[str, set[str]]:
        """For each trial, the nodes that computed its rows."""
        records = [json.loads(path.read_bytes()) for path in (run / "trials").glob("*/record.json")]
        return {
            record["trial"]["trial_id"]: {record["makers"][row["maker"]]["node"] for row in record["rows"]}
            for record in records
        }

    @staticmethod
    def outcomes(run: Path) -> dict[str, str]:
        found = (run / "trials").glob("*/verdict.json")
        return {path.parent.name: json.loads(path.read_bytes())["status"] for path in found}


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """A short path: those of Unix sockets are at most 107 characters long."""
    folder = Path(tempfile.mkdtemp(prefix="inv-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def environment() -> dict[str, str]:
    """Without this checkout on the path, so that nodes have the four packages by upload; with a token for all."""
    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH" and not key.startswith("RAY_")}
    return own | {"RAY_AUTH_TOKEN": secrets.token_hex(16)}


@pytest.fixture
def clusters(ray_folder: Path, environment: dict[str, str]) -> Iterator[Callable[..., Cluster]]:
    """Starts clusters that end with the test."""
    started: list[Cluster] = []

    def start(*options: str, **more: str) -> Cluster:
        started.append(Cluster(ray_folder, environment | more, *options))
        return started[-1]

    yield start
    for cluster in started:
        cluster.end()
    Path("/tmp/ray/ray_current_cluster").unlink(missing_ok=True)  # Or `--address auto` would look there for ever.


@pytest.fixture
def sweeps(environment: dict[str, str]) -> Iterator[Sweeps]:
    """Sweeps that end with the test."""
    found = Sweeps(environment)
    yield found
    for process in found.processes:
        if process.poll() is None:
            kill_tree(process.pid)
        process.communicate()
