from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from search.cluster import leftovers
from search.storage.json_files import append_line, read_lines


def name(pid: int) -> str:
    return f"session_2026-01-31_12-30-59_123456_{pid}"


@pytest.fixture
def dead() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Stands for /tmp/ray."""
    (tmp_path / "ray").mkdir()
    return tmp_path / "ray"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def write_down(run: Path, session: str, pid: int, host: str | None = None) -> None:
    append_line(run / leftovers.FILE, {"session": session, "host": host or socket.gethostname(), "pid": pid})


def written(run: Path) -> list[str]:
    return [line["session"] for line in read_lines(run / leftovers.FILE)[0]]


def make(root: Path, session: str) -> Path:
    (root / session / "logs").mkdir(parents=True)
    (root / session / "logs" / "raylet.out").write_text("x")
    return root / session


@pytest.mark.parametrize("keep_logs", [False, True])
def test_a_clean_end(run: Path, root: Path, keep_logs: bool) -> None:
    session = make(root, name(os.getpid()))
    leftovers.remember(run, session)
    leftovers.clear(run, root)
    assert session.exists()  # Its process lives: it is this one.
    assert written(run) == [session.name]
    leftovers.forget(run, session, keep_logs)
    assert session.exists() == keep_logs
    assert not (run / leftovers.FILE).exists()


def test_what_a_dead_process_left_goes_with_the_next_start(run: Path, root: Path, dead: int) -> None:
    left, other = make(root, name(dead)), make(root, name(dead + 1))
    (root / "session_latest").symlink_to(left)
    write_down(run, left.name, dead)
    leftovers.clear(run, root)
    assert not left.exists()
    assert not os.path.lexists(root / "session_latest")
    assert other.exists()  # Not written down: not ours to remove.
    assert not (run / leftovers.FILE).exists()


def test_processes_that_a_dead_driver_left_are_ended(run: Path, root: Path, dead: int) -> None:
    left, other = make(root, name(dead)), make(root, name(dead + 1))
    write_down(run, left.name, dead)

    def holding(log: Path, title: str) -> subprocess.Popen[bytes]:
        with log.open("w") as stream:
            line = [title, "-c", "read"]
            return subprocess.Popen(line, executable="/bin/bash", stdin=subprocess.PIPE, stdout=stream)

    agent = holding(left / "logs" / "agent.out", "ray::DashboardAgent")
    another_runs = holding(other / "logs" / "agent.out", "ray::DashboardAgent")
    readers = holding(left / "logs" / "raylet.out", "tail")  # A person's, who looks at the log.
    try:
        leftovers.clear(run, root)
        assert agent.poll() is not None
        assert another_runs.poll() is None
        assert readers.poll() is None
    finally:
        for process in (agent, another_runs, readers):
            process.kill()
            process.communicate()


def test_another_sessions_link_stays(run: Path, root: Path, dead: int) -> None:
    left, latest = make(root, name(dead)), make(root, name(os.getpid()))
    (root / "session_latest").symlink_to(latest)
    write_down(run, left.name, dead)
    leftovers.clear(run, root)
    assert not left.exists()
    assert (root / "session_latest").resolve() == latest


def test_another_host_clears_its_own(run: Path, root: Path, dead: int) -> None:
    left = make(root, name(dead))
    write_down(run, left.name, dead, host="elsewhere")
    leftovers.clear(run, root)
    assert left.exists()
    assert written(run) == [left.name]


@pytest.mark.parametrize(
    "session",
    [
        "..",
        ".",
        "",
        "session_latest",
        "../precious",
        "/precious",
        "session_2026-01-31_12-30-59_123456_{pid}/..",
        "{pid}",
    ],
)
def test_a_strangers_names_are_not_believed(run: Path, root: Path, dead: int, session: str) -> None:
    precious = root.parent / "precious"
    precious.mkdir()
    write_down(run, session.format(pid=dead), dead)
    append_line(run / leftovers.FILE, {"session": name(dead), "host": socket.gethostname(), "pid": str(dead)})
    append_line(run / leftovers.FILE, {"session": ["x"]})
    kept = make(root, name(dead))
    leftovers.clear(run, root)
    assert precious.exists()
    assert kept.exists()


def test_the_pid_must_be_that_of_the_name(run: Path, root: Path, dead: int) -> None:
    """Else a living program's session could be passed off as a dead one's."""
    living = make(root, name(os.getpid()))
    write_down(run, living.name, dead)
    leftovers.clear(run, root)
    assert living.exists()


def test_a_link_is_not_followed(run: Path, root: Path, dead: int) -> None:
    precious = root.parent / "precious"
    precious.mkdir()
    (root / name(dead)).symlink_to(precious)
    write_down(run, name(dead), dead)
    leftovers.clear(run, root)
    assert precious.exists()
    assert not written(run)


def test_a_folder_of_another_user_stays(run: Path, root: Path, dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = make(root, name(dead))
    write_down(run, left.name, dead)
    monkeypatch.setattr(os, "getuid", lambda: left.stat().st_uid + 1)
    leftovers.clear(run, root)
    assert left.exists()


def test_the_file_does_not_grow_for_ever(run: Path, root: Path, dead: int) -> None:
    for number in range(leftovers.MOST + 50):
        write_down(run, name(100_000 + number), 100_000 + number, host="elsewhere")
    write_down(run, name(dead), dead)
    leftovers.clear(run, root)
    assert len(written(run)) == leftovers.MOST


def test_damaged_lines_are_skipped(run: Path, root: Path, dead: int) -> None:
    left = make(root, name(dead))
    (run / leftovers.FILE).write_text('{"checksum": "0000\n\n')
    write_down(run, left.name, dead)
    leftovers.clear(run, root)
    assert not left.exists()
