"""Real object stores on 127.0.0.1, from PyPI: SeaweedFS, and rclone's, which ignores the conditions of a write."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

KEY, SECRET = "test-key-4711", "canary-secret-0815"
PATIENCE = 60.0
BIN = Path(sys.executable).parent


class Server:
    """A program that serves S3 at one port, whatever becomes of its process."""

    def __init__(self, line: list[str], port: int, log: Path):
        self._line, self._log, self.endpoint = line, log, f"http://127.0.0.1:{port}"
        self.start()

    def start(self) -> None:
        """Starts it, also again with what it had stored."""
        own = os.environ | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        with self._log.open("a") as stream:
            self._process = subprocess.Popen(self._line, env=own, stdout=stream, stderr=stream, start_new_session=True)
        give_up = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < give_up, self._log.read_text()[-2000:]
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            urlopen(self.endpoint, timeout=2).close()
        except HTTPError as answer:
            return answer.code < 500
        except (URLError, OSError):
            return False
        return True

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """It takes connections and does not answer."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self._process.send_signal(signal.SIGCONT)

    @property
    def environment(self) -> dict[str, str]:
        """What its clients need."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
        }


def free_ports(count: int) -> list[int]:
    """Ports that nobody has just now, all of them at once.

    Neither the system nor Ray gives these to others later, nor do the tests that run beside this one.
    """
    sockets: list[socket.socket] = []
    first = 20000 + 6000 * (os.environ.get("PYTEST_XDIST_WORKER") == "gw1")
    while len(sockets) < count:
        with suppress(OSError):
            sockets.append(socket.create_server(("127.0.0.1", random.SystemRandom().randrange(first, first + 6000))))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def free_port() -> int:
    """One of these."""
    return free_ports(1)[0]


def start_seaweed(folder: Path, *more: str) -> Server:
    """SeaweedFS, which keeps both promises from 4.17 on; it makes a bucket at its first object."""
    folder.mkdir()
    names = ("s3", "master", "volume", "filer")
    ports = free_ports(2 * len(names))
    given = [f"-{name}.port={port}" for name, port in zip(names, ports, strict=False)]
    given += [f"-{name}.port.grpc={port}" for name, port in zip(names, ports[len(names) :], strict=True)]
    given += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-master.telemetry=false"]
    given += ["-volume.max=0", "-master.volumeSizeLimitMB=64", f"-dir={folder}", "-s3"]
    line = [str(BIN / "weed"), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *given]
    return Server([*line, *more], ports[0], folder / "log.txt")


def start_rclone(folder: Path) -> Server:
    """Rclone's server of a folder, whose buckets are folders."""
    (folder / "bucket").mkdir(parents=True)
    port = free_port()
    line = [str(BIN / "rclone"), "serve", "s3", str(folder), f"--addr=127.0.0.1:{port}", f"--auth-key={KEY},{SECRET}"]
    return Server([*line, "--config=/dev/null"], port, folder.parent / "rclone.txt")


def keep_versions(server: Server, bucket: str) -> None:
    """Lets a bucket keep what is replaced or deleted, as buckets with versioning do."""
    given = {"type": "s3", "provider": "SeaweedFS", "env_auth": "true", "region": "us-east-1"}
    given = {f"RCLONE_CONFIG_W_{key.upper()}": value for key, value in (given | {"endpoint": server.endpoint}).items()}
    line = [str(BIN / "rclone"), "--config=/dev/null", "backend", "versioning", f"W:{bucket}", "Enabled"]
    done = subprocess.run(line, env=os.environ | server.environment | given, capture_output=True, text=True, check=True)
    assert done.stdout == '"Enabled"\n'
