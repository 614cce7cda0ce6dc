"""One driver a run, wherever it runs, and no word from the drivers before it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from search.cli import main
from search.datasets import find_dataset
from search.errors import Superseded
from search.storage.driver import DriverLock, Guard, find_driver
from search.storage.file_lock import Lock
from search.storage.identity import _read_ticks
from search.storage.run_folder import RunFolder
from spaces import SPACES, UserError
from spaces.files.sealed import seal
from spaces.specs.run import RunSpec

ROOT = Path(__file__).resolve().parents[3]
DRIVE = (
    "import sys, pathlib; from search.storage.driver import DriverLock; lock = DriverLock(pathlib.Path(sys.argv[1])); "
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
        for force in (False, True):
            with pytest.raises(UserError) as error:
                DriverLock(tmp_path).take(force)
            for part in (socket.gethostname(), f"pid {other.pid} since 20", f"kill {other.pid}"):
                assert part in str(error.value)
        found = find_driver(tmp_path)
        assert found is not None
        assert found.text.startswith(f"{socket.gethostname()} pid {other.pid} since")
        other.send_signal(signal.SIGKILL)
        other.wait()
        mine = DriverLock(tmp_path)
        assert f"pid {other.pid} since" in mine.take()[0]
    with pytest.raises(Superseded, match="another driver"):
        Guard(tmp_path, token).check()
    Guard(tmp_path, mine.token).check()


def test_a_lock_that_cannot_be_written_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = DriverLock(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(Lock, "write", refuse_to_write)
        with pytest.raises(OSError, match="No space left"):
            lock.take()
    assert not (tmp_path / "driver.lock").exists()
    assert DriverLock(tmp_path).take() == []


def refuse_to_write(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_start_on_a_full_disk_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lock, "write", refuse_to_write)
    run = tmp_path / "runs" / "mine"
    with pytest.raises(UserError, match="cannot be written \\(No space left"), RunFolder(run).taken():
        pass
    assert not (tmp_path / "runs").exists()


def test_who_signs_off_leaves_nothing_to_explain(tmp_path: Path) -> None:
    for _ in range(2):
        lock = DriverLock(tmp_path)
        assert lock.take() == []
        assert find_driver(tmp_path) is not None
        lock.release()
        assert find_driver(tmp_path) is None


def test_a_driver_elsewhere_that_did_not_sign_off_needs_force(tmp_path: Path) -> None:
    note_of(tmp_path, host="node-7")
    with pytest.raises(UserError, match=r"node-7 pid \d+ since 2026-01-01.*another machine.*--force"):
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
    assert find_driver(tmp_path) is not None


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


BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
ELSEWHERE = {"boot": BOOT, "namespace": "pid:[4026532999]", "pid": 1, "ticks": 4}
BEFORE = {"boot": "5f9f1d6c-0000-4000-8000-000000000000", "namespace": os.readlink("/proc/self/ns/pid")}


@pytest.mark.parametrize("host", [socket.gethostname(), "3f2a9c1b7d10"], ids=["same name", "new name"])
def test_a_driver_in_another_container_is_judged_by_the_lock_it_holds(
    tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    space = SPACES["table-1.2"].describe()
    spec = RunSpec(
        "digits", find_dataset("digits").data_hash, 16, 0, 0, ("conv",), space=space, search="grid", samples=1
    )
    with RunFolder(tmp_path).driven(spec):
        pass
    theirs = Lock(tmp_path / "driver.lock")
    assert theirs.acquire()
    note_of(tmp_path, host=host, **ELSEWHERE)
    for force in (False, True):
        with pytest.raises(UserError, match=rf"{host} pid 1 .*another container.* wait for it") as error:
            DriverLock(tmp_path).take(force)
        assert "kill 1" not in str(error.value)
    for command in (["status", str(tmp_path)], ["watch", str(tmp_path), "--once"]):
        assert main(command) == 0
        assert f"driven by {host} pid 1 since" in " ".join(capsys.readouterr().out.split())
    theirs.release()  # As the kernel does when the container is killed.
    for command in (["status", str(tmp_path)], ["watch", str(tmp_path), "--once"]):
        assert main(command) == 0
        assert "no driver is working on it" in capsys.readouterr().out
    assert main(["check", str(tmp_path), "--repair"]) == 0
    captured = capsys.readouterr()
    assert "exited without signing off; resuming" in captured.err
    assert "nothing is damaged" in captured.out


def test_after_a_reboot_a_number_means_nothing(tmp_path: Path) -> None:
    """The namespace of a machine's first process has the same name after each boot."""
    note_of(tmp_path, pid=os.getpid(), ticks=_read_ticks("self"), **BEFORE)
    assert find_driver(tmp_path) is None
    assert "before this machine was last started" in DriverLock(tmp_path).take()[0]


def test_a_process_is_known_by_its_start_where_nothing_is_locked(tmp_path: Path) -> None:
    """As on a file system without locks, and whatever was done to the clock meanwhile."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        note = {"boot": BOOT, "namespace": BEFORE["namespace"], "pid": other.pid}
        note_of(tmp_path, ticks=_read_ticks(other.pid), **note)
        found = find_driver(tmp_path)
        assert found is not None
        assert found.lives
        with pytest.raises(UserError, match=f"kill {other.pid}"):
            DriverLock(tmp_path).take()
        note_of(tmp_path, ticks=1, **note)  # Its number is that of a dead one.
        assert find_driver(tmp_path) is None
        note_of(tmp_path, ticks=_read_ticks(other.pid), **note)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert find_driver(tmp_path) is None  # Nobody has reaped it yet.


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_a_driver_in_a_pid_namespace_of_its_own(tmp_path: Path) -> None:
    inside = [*("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c")]
    drive = 'hostname box; exec "$0" -c "$1" "$2"'
    with subprocess.Popen(
        [*inside, drive, sys.executable, DRIVE, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(UserError, match=r"box pid 1 .*another container of this machine.*stop it there"):
            DriverLock(tmp_path).take()
        found = find_driver(tmp_path)
        assert found is not None
        other.kill()
        other.wait()
    wait = Lock(tmp_path / "driver.lock")
    assert wait.acquire(60.0)
    wait.release()
    assert find_driver(tmp_path) is None
    assert "box pid 1" in DriverLock(tmp_path).take()[0]
