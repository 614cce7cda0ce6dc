"""A small MNIST of its own, and web servers on 127.0.0.1 that hand it out well or badly."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from search.datasets.files.store import DataFile, Store

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def as_idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@dataclass
class FakeMnist:
    """Four files in the manner of MNIST, and the table of their hashes."""

    store: Store
    arrays: dict[str, np.ndarray]
    content: dict[str, bytes]

    def write(self, folder: Path, *names: str, form: str = "{}.gz") -> Path:
        """Writes the named files, all by default, gzipped if ``form`` ends in .gz."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in names or NAMES:
            body = self.content[name]
            path = folder / form.format(name)
            path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
        return folder


@pytest.fixture
def fake() -> FakeMnist:
    draw = np.random.default_rng(7)
    arrays = {}
    for part, count in (("train", 60), ("t10k", 20)):
        arrays[f"{part}-images-idx3-ubyte"] = draw.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = draw.integers(0, 10, count, np.uint8)
    content = {name: as_idx(array) for name, array in arrays.items()}
    files = tuple(DataFile(name, hashlib.sha256(body).hexdigest(), len(body)) for name, body in content.items())
    # Port 9 (discard) of this machine is closed: a test that forgets its mirror reaches nothing.
    return FakeMnist(Store("mnist", files, ("http://127.0.0.1:9/",)), arrays, content)


@dataclass
class Mirror:
    """A web server; ``bodies`` maps a path such as ``/NAME.gz`` to what is sent for it."""

    url: str
    bodies: dict[str, bytes]
    headers: dict[str, str] = field(default_factory=dict)
    claim: int = 0  # Bytes promised beyond those sent.
    stall: threading.Event | None = None
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch):
    """Starts mirrors; all are closed when the test ends."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running: list[tuple[ThreadingHTTPServer, threading.Thread, Mirror]] = []

    def start(bodies: dict[str, bytes]) -> Mirror:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path)
                if mirror.stall:
                    mirror.stall.wait(10)
                    return
                if self.path not in mirror.bodies:
                    self.send_response(404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                body = mirror.bodies[self.path]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body) + mirror.claim))
                for name, value in mirror.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):  # A client that has seen enough.
                    self.wfile.write(body)

            def log_request(self, code: object = None, size: object = None) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        mirror = Mirror(f"http://127.0.0.1:{server.server_port}/", bodies)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread, mirror))
        return mirror

    yield start
    for server, thread, mirror in running:
        if mirror.stall:
            mirror.stall.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def good(fake: FakeMnist, serve) -> Mirror:
    """A mirror that has all four files."""
    return serve({f"/{name}.gz": gzip.compress(body) for name, body in fake.content.items()})
