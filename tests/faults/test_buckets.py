"""A run in a bucket: driver, workers, nodes and the server die or sleep, and what holds of folders holds."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from search.storage.places.address import open_place
from search.storage.places.copies import pull
from tests.clusters.nodes import Cluster
from tests.faults.following import followed
from tests.faults.harness import Driver, ended, epochs, finish, kill, workers_among
from tests.faults.invariants import (
    Witness,
    check_common_weights,
    check_complete,
    check_decisions,
    check_same_rows,
)
from tests.faults.moments import wait_for_moment
from tests.servers import SECRET, Server, start_rclone, start_seaweed

pytestmark = pytest.mark.slow
LEASE_SECONDS, SLEEP_SECONDS, AWAY_SECONDS = 6.0, 9.0, 61.0
URL = "s3://faults/run"
# Trials that the undisturbed run has too, and further ones; ASHA judges after epochs 40 and 80.
OPTIONS = ["--dataset", "digits", "--samples", "12", "--epochs", "120", "--architectures", "conv,invariant"]
OPTIONS += ["--grace-period", "40", "--reduction-factor", "2", "--keep-checkpoints", "all"]
BOOT = "/proc/sys/kernel/random/boot_id"


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


class Scene:
    """A sweep on a cluster of two nodes that share no folder, and what happens to it.

    Args:
        folder: which the nodes do not see.
        cluster: theirs.
        server: of the bucket.
    """

    def __init__(self, folder: Path, cluster: Cluster, server: Server):
        self.run, self._cluster, self._server, self._chooser = folder / "followed", cluster, server, random.Random(7)
        self._apart = f'mount -t tmpfs none {folder}; exec "$@"'
        # Another machine has another name, and was started at another time.
        (folder / "boot").write_text("00000000-0000-4000-8000-000000000000\n")
        self._elsewhere = f'hostname elsewhere; mount --bind {folder}/boot {BOOT}; exec "$@"'
        self._line = ["sweep", *OPTIONS, "--out", URL]
        self._witness = Witness(self.run)
        self.nodes = [cluster.add(within=self._apart) for _ in range(2)]
        self._joins = ["--address", cluster.address]
        self.drivers = [Driver(*self._line, *self._joins)]

    def get_on(self, kind: str) -> Driver:
        """Waits until more epochs are on record, and for a moment; the driver."""
        driver, goal = self.drivers[-1], epochs(self.run) + self._chooser.randint(1, 20)
        driver.wait_for(lambda: epochs(self.run) >= goal)
        wait_for_moment(self._chooser, self.run, kind, None)
        assert driver.alive, f"the sweep ended before: {driver.errors[-2000:]}"
        self._witness.look()
        print(f"{kind}: {epochs(self.run)} epochs on record, {len(ended(self.run))} trials ended", flush=True)
        return driver

    def kill_worker(self) -> None:
        """SIGKILL to whatever trains a trial on one of the nodes."""
        self.get_on("worker")

        def find() -> list[int]:
            return workers_among(psutil.Process(self.nodes[0].process.pid).children(recursive=True))

        assert kill(self.drivers[-1].wait_for(find)[0])

    def kill_driver(self) -> None:
        """SIGKILL, and the same command again."""
        self.get_on("driver").kill()
        self.drivers.append(Driver(*self._line, *self._joins))

    def kill_node(self) -> None:
        """SIGKILL to a node; another one comes."""
        self.get_on("node")
        self.nodes.pop().kill()
        self.nodes.append(self._cluster.add(within=self._apart))

    def take_over(self) -> None:
        """The driver sleeps for longer than its lease; one on another machine goes on, and the sleeper wakes up.

        It has a Ray of its own: that of the sleeper gives each node that comes to trials that wait for the sleeper.
        """
        old = self.get_on("driver")
        old.process.send_signal(signal.SIGSTOP)
        self.drivers.append(new := Driver(*self._line, within=self._elsewhere))
        new.wait_for(lambda: "has not renewed its lease; taken over" in new.errors)
        before = epochs(self.run)
        new.wait_for(lambda: epochs(self.run) > before)
        old.process.send_signal(signal.SIGCONT)
        assert old.wait() == 3, old.errors[-2000:]
        last = old.errors.splitlines()[-1]  # Its worker or it itself was refused, whichever wrote first.
        assert last.startswith(f"invsearch: {URL}"), old.errors[-2000:]
        assert "has taken the run over; to resume: " in last, old.errors[-2000:]

    def lose_server(self, leave: Callable[[], None], come: Callable[[], None], seconds: float) -> None:
        """The bucket's server is away for a while."""
        self.get_on("server")
        leave()
        time.sleep(seconds)
        come()

    def end(self) -> None:
        """Lets the sweep end."""
        assert self.drivers[-1].wait() == 0, self.drivers[-1].errors[-2000:]
        self._witness.look()

    def clear(self) -> None:
        """Ends the drivers that are left."""
        for driver in self.drivers:
            if driver.alive:
                driver.kill()


def test_a_sweep_on_nodes_that_share_no_folder_survives(
    server: Server, undisturbed: Path, cluster: Cluster, tmp_path: Path
) -> None:
    """Worker, driver, node and server die, or sleep: the results are those of an undisturbed run in a folder."""
    if subprocess.run(["unshare", "--mount", "--uts", "true"], capture_output=True).returncode != 0:
        pytest.skip("this user may not make namespaces")
    with followed(URL, tmp_path / "followed"):
        scene = Scene(tmp_path, cluster, server)
        try:
            scene.kill_worker()
            scene.kill_driver()
            scene.kill_node()
            scene.lose_server(server.pause, server.go_on, SLEEP_SECONDS)
            scene.take_over()
            scene.lose_server(server.kill, server.start, AWAY_SECONDS)
            scene.end()
        finally:
            scene.clear()
    run = tmp_path / "run"
    assert pull(open_place(URL), run)[1] == []
    check_complete(run)
    check_decisions(run)
    check_same_rows(run, undisturbed)
    check_common_weights(run, undisturbed)
    assert finish("check", str(run)) == (0, "")
    check_no_secret(run, tmp_path / "mirrors")


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
