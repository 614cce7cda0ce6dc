"""Runs in a bucket: driver, workers, nodes and the server itself are killed, and what holds of folders holds."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.storage.places.address import open_place
from search.storage.places.copies import pull
from tests.clusters.nodes import Cluster
from tests.faults.following import followed
from tests.faults.harness import Driver, epochs, finish
from tests.faults.havoc import AWAY_SECONDS, Havoc
from tests.faults.invariants import Witness, check_complete, check_decisions, check_same_results
from tests.servers import SECRET, Server, start_rclone, start_seaweed

pytestmark = pytest.mark.slow
LEASE_SECONDS = 6.0
assert LEASE_SECONDS < AWAY_SECONDS


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start_seaweed(tmp_path_factory.mktemp("servers") / "seaweed")
    yield server
    server.kill()


@pytest.fixture
def server(seaweed: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, known to this process and those that it starts, which keep their mirrors with the test."""
    use(seaweed, tmp_path, monkeypatch)
    place = open_place("s3://faults/first")
    place.create("first", b"")  # Which makes the bucket.
    place.delete(["first"])
    return seaweed


def use(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INVSEARCH_MIRRORS", str(folder / "mirrors"))
    monkeypatch.setenv("INVSEARCH_LEASE_SECONDS", f"{LEASE_SECONDS:g}")


def check_no_secret(*folders: Path) -> None:
    """No file below some folders holds the secret key."""
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        assert SECRET.encode() not in path.read_bytes(), path


def test_results_are_those_of_an_undisturbed_run_in_a_folder(
    server: Server, full: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    url, run = "s3://faults/killed", tmp_path / "followed"
    havoc = Havoc(run, full, 5, url, server)
    with followed(url, run):
        havoc.survive({"worker": 2, "driver": 1, "server": 1, "pause": 1}, most_epochs=20)
    assert havoc.kills.total() == 5
    assert havoc.starts == 2
    count, damaged = pull(open_place(url), tmp_path / "run")
    assert count > 0
    assert not damaged
    check_complete(tmp_path / "run")
    check_same_results(tmp_path / "run", undisturbed)
    assert finish("check", str(tmp_path / "run")) == (0, "")
    check_no_secret(tmp_path / "run", tmp_path / "mirrors")


def test_two_nodes_that_share_no_folder(server: Server, tmp_path: Path) -> None:
    """A node, the driver and the server die; the same command ends the sweep."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("this user may not make mount namespaces")
    ray = Path(tempfile.mkdtemp(prefix="inv-", dir="/tmp"))  # A short path, or its sockets' would be too long.
    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    cluster = Cluster(ray, own)
    apart = f'mount -t tmpfs none {tmp_path}; exec "$@"'
    url, run, chooser = "s3://faults/nodes", tmp_path / "followed", random.Random(7)
    options = ["--dataset", "digits", "--samples", "8", "--epochs", "40", "--grace-period", "2"]
    line = ["sweep", *options, "--reduction-factor", "2", "--address", cluster.address, "--out", url]
    witness, driver = Witness(run), None
    try:
        nodes = [cluster.add(within=apart) for _ in range(2)]
        with followed(url, run):
            for what in ("node", "driver", "server"):
                if driver is None or not driver.alive:
                    driver = Driver(*line)
                goal = epochs(run) + chooser.randint(5, 20)
                driver.wait_for(lambda goal=goal: epochs(run) >= goal)
                if what == "node":
                    nodes.pop().kill()
                    nodes.append(cluster.add(within=apart))
                elif what == "driver":
                    driver.kill()
                else:
                    server.kill()
                    server.start()
                witness.look()
            assert driver is not None
            assert driver.wait() == 0, driver.errors[-2000:]
    finally:
        if driver is not None and driver.alive:
            driver.kill()
        cluster.end()
        shutil.rmtree(ray, ignore_errors=True)
        Path("/tmp/ray/ray_current_cluster").unlink(missing_ok=True)  # Or `--address auto` would look there for ever.
    assert pull(open_place(url), tmp_path / "run")[1] == []
    check_complete(tmp_path / "run")
    check_decisions(tmp_path / "run")
    check_no_secret(tmp_path / "run", tmp_path / "mirrors")


def test_a_store_without_conditions_and_wrong_keys_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seaweed: Server
) -> None:
    rclone = start_rclone(tmp_path / "rclone")
    try:
        use(rclone, tmp_path, monkeypatch)
        code, errors = finish("sweep", "--samples", "1", "--epochs", "1", "--out", "s3://bucket/run")
    finally:
        rclone.kill()
    assert code == 2
    host = rclone.endpoint.removeprefix("http://")
    assert errors.splitlines()[-1].startswith(f"invsearch: s3://bucket/run: the store at {host} replaces what it was ")
    use(seaweed, tmp_path, monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret-2342")
    code, errors = finish("status", "s3://faults/run")
    assert code == 2
    assert errors == ("invsearch: s3://faults/run: the store refuses these credentials (403 SignatureDoesNotMatch)\n")
