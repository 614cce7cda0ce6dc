"""What Ray leaves when a driver is killed: folders under its temporary folder, and perhaps processes.

Ray on one machine makes ``/tmp/ray/session_DATE_PID`` and never removes it. A run writes down the names of its own
(RUN/ray_sessions.jsonl); each is removed after a clean end, else by the next start. What stands in for Ray's agents
ends with the raylet; agents of Ray's own would notice after a minute, so the next start ends what it finds.

A run folder may come from a stranger, so only folders of a dead process are removed: directly in Ray's temporary
folder, ours, not links, and named as Ray names them. The session of a driver that was killed while Ray started stays.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from search.storage.json_files import append_line, read_lines
from spaces.files.atomic import write_atomically
from spaces.files.sealed import seal

FILE = "ray_sessions.jsonl"
LATEST = "session_latest"
SESSION = re.compile(r"session_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{6}_[1-9]\d{0,9}")
TITLE = "ray::"  # Of workers and agents; Ray's other processes end with their driver.
PATIENCE_SECONDS = 5.0
MOST = 100  # Other hosts' sessions are kept for their next start there, but not for ever.


def remember(run: Path, session: Path) -> None:
    """Writes down that this process has started a session."""
    append_line(run / FILE, {"session": session.name, "host": socket.gethostname(), "pid": os.getpid()})


def forget(run: Path, session: Path, keep_logs: bool) -> None:
    """Removes the session that this process has just ended, unless its logs are to stay."""
    if not keep_logs:
        _remove(session.parent, session.name)
    _rewrite(run, [entry for entry in _list_entries(run) if entry["session"] != session.name])


def clear(run: Path, root: Path) -> None:
    """Ends and removes what dead processes of this run have left on this host.

    Args:
        run: the run folder; its driver must hold the run's lock.
        root: Ray's temporary folder.
    """
    entries = _list_entries(run)
    kept = []
    for entry in entries:
        dead = entry.get("host") == socket.gethostname() and not psutil.pid_exists(entry["pid"])
        if dead:
            _end(root, entry["session"])
        if not dead or not _remove(root, entry["session"]):
            kept.append(entry)
    if len(kept) < len(entries):
        _rewrite(run, kept)


def _list_entries(run: Path) -> list[dict[str, Any]]:
    """The sessions written down, without what cannot be one."""
    named = [line for line in read_lines(run / FILE)[0] if SESSION.fullmatch(str(line.get("session")))]
    return [line for line in named if type(line.get("pid")) is int and line["session"].endswith(f"_{line['pid']}")]


def _end(root: Path, name: str) -> None:
    """Ends what still runs of a session whose driver is dead: ours, by Ray's own title, with a file of it open."""
    ended = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.uids().real != os.getuid() or not "".join(process.cmdline()[:1]).startswith(TITLE):
                continue
            if any(Path(file.path).is_relative_to(root.resolve() / name) for file in process.open_files()):
                process.kill()
                ended.append(process)
    psutil.wait_procs(ended, PATIENCE_SECONDS)


def _remove(root: Path, name: str) -> bool:
    """Removes a session's folder; whether nothing is left of it that is ours to remove."""
    folder = root / name
    if not folder.is_dir() or folder.is_symlink() or folder.lstat().st_uid != os.getuid():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # It is none, or another Ray replaces it just now.
        if Path(os.readlink(root / LATEST)).name == name:
            (root / LATEST).unlink()
    return not folder.exists()


def _rewrite(run: Path, entries: list[dict[str, Any]]) -> None:
    """Rewrites the file, or removes it where no entry is left."""
    if entries:
        write_atomically(run / FILE, b"".join(map(seal, entries[-MOST:])))
    else:
        (run / FILE).unlink(missing_ok=True)
