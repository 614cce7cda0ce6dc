"""One driver a run, wherever it runs, and no word from the drivers before it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from search.driver_lock import DriverLock, Guard, Superseded, alive, holder
from spaces import UserError
from spaces.sealed import seal

ROOT = Path(__file__).resolve().parents[2]
DRIVE = (
    "import sys, pathlib; from search.driver_lock import DriverLock; lock = DriverLock(pathlib.Path(sys.argv[1])); "
    "lock.take(); print(lock.token, flush=True); sys.stdin.read()"
)


def note_of(run: Path, **changes: Any) -> None:
    """What a driver that did not sign off left."""
    note = {"format": 1, "host": socket.gethostname(), "pid": 2**22 + 1, "born": 1.0, "since": "2026-01-01 00:00:00"}
    (run / "driver.lock").write_bytes(seal(note | {"token": "0" * 16, "driving": True} | changes))


def test_the_second_is_refused_with_host_pid_and_start(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DRIVE, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        token = other.stdout.readline().strip()
        started = psutil.Process(other.pid).create_time()
        for force in (False, True):
            with pytest.raises(UserError) as error:
                DriverLock(tmp_path).take(force)
            for part in (socket.gethostname(), f"pid {other.pid} since 20", f"kill {other.pid}"):
                assert part in str(error.value)
        assert holder(tmp_path).startswith(f"{socket.gethostname()} pid {other.pid} since")
        assert alive(other.pid, started)
        assert not alive(other.pid, started - 100)  # A number that was used again.
        other.send_signal(signal.SIGKILL)
        other.wait()
        mine = DriverLock(tmp_path)
        assert f"pid {other.pid} since" in mine.take()[0]
    with pytest.raises(Superseded, match="another driver"):
        Guard(tmp_path, token).check()
    Guard(tmp_path, mine.token).check()


def test_who_signs_off_leaves_nothing_to_explain(tmp_path: Path) -> None:
    for _ in range(2):
        lock = DriverLock(tmp_path)
        assert lock.take() == []
        assert lock.is_held()
        lock.release()
        assert not lock.is_held()


def test_a_driver_elsewhere_that_did_not_sign_off_needs_force(tmp_path: Path) -> None:
    note_of(tmp_path, host="node-7")
    with pytest.raises(UserError, match=r"node-7 pid \d+ since 2026-01-01.* another machine.*--force"):
        DriverLock(tmp_path).take()
    lock = DriverLock(tmp_path)
    assert "taken over from node-7" in lock.take(force=True)[0]
    with pytest.raises(Superseded):
        Guard(tmp_path, "0" * 16).check()
    lock.release()


def test_a_lock_that_another_machine_holds_on_a_shared_disk(tmp_path: Path) -> None:
    """As on NFS, where the server keeps the lock of a machine that is gone."""
    gone = DriverLock(tmp_path)
    gone.take()
    note_of(tmp_path, host="node-7", token=gone.token)
    with pytest.raises(UserError, match=r"node-7 .*--force"):
        DriverLock(tmp_path).take()
    mine = DriverLock(tmp_path)
    assert "taken over" in mine.take(force=True)[0]
    gone.release()  # Comes back to life, and signs nothing off that is not its own.
    Guard(tmp_path, mine.token).check()
    assert mine.is_held()


@pytest.mark.parametrize("content", [b"garbage", seal({"x": 1}), b'{"checksum": "0000000000000000", "pid": 1}'])
def test_a_garbled_lock_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "driver.lock").write_bytes(content)
    lines = DriverLock(tmp_path).take()
    (aside,) = tmp_path.glob("driver.lock.damaged-*")
    assert aside.read_bytes() == content
    assert lines == [f"set aside: {aside} (a garbled lock that nobody holds)"]


@pytest.mark.parametrize("pid", ["x", None, -1, 0, 10**30, True])
def test_a_crafted_lock_is_no_traceback(tmp_path: Path, pid: Any) -> None:
    note_of(tmp_path, pid=pid)
    assert len(DriverLock(tmp_path).take()) == 1


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "driver.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic"):
        DriverLock(tmp_path).take()
    assert (tmp_path / "precious").read_text() == "precious"


def test_guards(tmp_path: Path) -> None:
    guard = Guard(tmp_path / "nowhere", "0")
    with pytest.raises(Superseded, match="every node sees"):
        guard.check()
    lock = DriverLock(tmp_path)
    lock.take()
    assert json.loads((tmp_path / "driver.lock").read_text())["pid"] == os.getpid()
    (tmp_path / "driver.lock").write_text("garbage")
    with pytest.raises(Superseded, match="cannot be read"):
        Guard(tmp_path, lock.token).check()
