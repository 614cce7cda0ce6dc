"""A sweep on this machine talks to nobody: what it listens on, and what it starts."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.slow


def test_listens_on_loopback_only(sweeps: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = sweeps.start(run, "--scheduler", "none", "--samples", "8", "--epochs", "200")
    sweeps.wait_for(lambda: list(run.glob("trials/*/record.json")), process)
    listening, lines, usage = [], [], {}
    for each in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):  # Ray's workers come and go.
            lines.append(" ".join(each.cmdline()))
            if any(name in lines[-1] for name in ("gcs_server", "raylet/raylet")):
                usage[lines[-1]] = each.environ().get("RAY_USAGE_STATS_ENABLED")
            # A UDP socket without a peer receives from anyone.
            listening += [
                (lines[-1], inet.laddr.ip.removeprefix("::ffff:"))
                for inet in each.net_connections("inet")
                if inet.status == psutil.CONN_LISTEN or (inet.type == socket.SOCK_DGRAM and not inet.raddr)
            ]
    process.terminate()
    process.communicate(timeout=60)
    assert any("raylet" in line for line in lines)
    assert len(listening) > 3
    assert not [(line, ip) for line, ip in listening if not ipaddress.ip_address(ip).is_loopback]
    assert not any("dashboard/dashboard.py" in line for line in lines)
    assert set(usage.values()) == {"0"}, usage
