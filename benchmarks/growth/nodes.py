"""A Ray cluster of several nodes on this machine, and Python that runs in a process of its own there."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search.storage.provenance import ROOT
from tests.clusters.nodes import Cluster


def measure_alone(call: str, more: Mapping[str, str] | None = None) -> Any:
    """What a call in ``benchmarks.growth`` returns in a fresh process, so that memory and counts are its own.

    Args:
        call: such as ``untrained.measure(4)``.
        more: variables of its environment.
    """
    module = call.partition(".")[0]
    code = f"import json; from benchmarks.growth import {module}; print(json.dumps({call}))"
    environment = _list_own() | dict(more or {})
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _list_own() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}


@contextmanager
def simulated_nodes(count: int) -> Iterator[dict[str, str]]:
    """Within the ``with`` block so many nodes of one CPU, and a head without any, run on this machine.

    Yields:
        The variables by which a program joins them; none where ``count`` is 0.
    """
    if not count:
        yield {}
        return
    folder = Path(tempfile.mkdtemp(prefix="inv-", dir="/tmp"))  # A short path, or its sockets' would be too long.
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    cluster = Cluster(folder, _list_own() | token | {"PYTHONPATH": str(ROOT)})
    try:
        for _ in range(count):
            cluster.add()
        yield token | {"RAY_ADDRESS": cluster.address}
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)
        Path("/tmp/ray/ray_current_cluster").unlink(missing_ok=True)  # Or `--address auto` would look there for ever.
