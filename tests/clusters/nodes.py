"""Real Ray clusters of several nodes on this machine, each node started by ``ray start``."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.faults.harness import TITLES
from tests.servers import free_port

RAY = str(Path(sys.executable).parent / "ray")
PATIENCE = 180.0


def wait_for(what: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> Any:
    """What a condition returned when it first was true; fails where a process ends before."""
    give_up = time.monotonic() + PATIENCE
    while not (found := what()):
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return found


def kill_tree(pid: int) -> None:
    """SIGKILL to a process and all its descendants, none of which can say goodbye."""
    with suppress(psutil.NoSuchProcess):
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=20)


@dataclass
class Node:
    """A Ray node; ``name`` is what a trial's record says of it."""

    process: subprocess.Popen[str]
    name: str

    def kill(self) -> None:
        """SIGKILL to its raylet and its workers at once."""
        kill_tree(self.process.pid)
        self.process.communicate()

    def signal_workers(self, number: signal.Signals) -> None:
        """A signal to its workers alone: raylet and agents go on, so the cluster has the node as alive."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "".join(process.cmdline()).startswith((*TITLES, "ray::IDLE")):
                    process.send_signal(number)


class Cluster:
    """A Ray cluster on this machine, whose head runs no trials.

    Args:
        folder: for Ray's files; short, as the paths of Unix sockets are at most 107 characters.
        environment: of every node.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], *options: str):
        self.folder, self.environment = folder, dict(environment) | {"RAY_AUTH_MODE": "token"}
        self.nodes: list[Node] = []
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        client = f"--ray-client-server-port={free_port()}"
        options = options or ("--include-dashboard=false",)
        self.head = self._start("--head", f"--port={port}", f"--temp-dir={folder}", client, "--num-cpus=0", *options)

    def add(self, *options: str, within: str | None = None) -> Node:
        """Starts a node with one CPU; ``within`` is shell that replaces itself by ``"$@"``."""
        return self._start(f"--address={self.address}", "--num-cpus=1", *options, within=within)

    def _start(self, *options: str, within: str | None = None, retries: int = 2) -> Node:
        ports = ["--min-worker-port=0", "--max-worker-port=0", f"--dashboard-agent-listen-port={free_port()}"]
        common = ["--block", "--node-ip-address=127.0.0.1", "--object-store-memory=100000000", *ports]
        line = [RAY, "start", *common, *options]
        line = ["unshare", "--mount", "sh", "-ec", within, "sh", *line] if within else line
        log = self.folder / f"node-{len(self.nodes)}.txt"
        with log.open("w") as stream:
            process = subprocess.Popen(line, cwd="/", env=self.environment, stdout=stream, stderr=stream, text=True)
        wait_for(lambda: "runtime started" in log.read_text() or process.poll() is not None)
        if retries and "timed out during startup" in log.read_text():  # Ray itself waits for no more than 30 s.
            return self._start(*options, within=within, retries=retries - 1)
        assert process.poll() is None, log.read_text()
        node = Node(process, wait_for(lambda: raylet_of(process.pid), process)[:8])
        self.nodes.append(node)
        return node

    def end(self) -> None:
        """Not `ray stop`, which ends every Ray on this machine."""
        for node in self.nodes:
            node.kill()


def raylet_of(pid: int) -> str | None:
    """The id of the Ray node that a process has started."""
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            for part in process.cmdline():
                if part.startswith("--node_id="):
                    return part.removeprefix("--node_id=")
    return None
