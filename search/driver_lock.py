"""One driver a run: who drives it now, who drove it last, and the token that shuts out leftovers.

RUN/driver.lock is held with ``flock`` while a driver works, and says who that is. The kernel frees
the lock when the driver dies, but only on its own machine, and some shared file systems do not
carry locks from one machine to another; so what the file says counts as well.

Each driver writes a token of its own. Its workers read it before every write: the workers of a
driver that was killed, or whose run was taken over, find another token and write nothing more.
"""

from __future__ import annotations

import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from search.files import read_json, set_aside
from search.lock import Lock
from spaces import UserError
from spaces.sealed import Damaged, seal

NAME = "driver.lock"
FORMAT = 1
PROBE_SECONDS = 1.0  # `invsearch status` holds the lock for a moment to see whether it is free.


class Superseded(Exception):
    """Another driver has taken the run over, so this process must not write to it."""


class DriverLock:
    """The right to work on a run.

    Args:
        run: the run folder.

    Attributes:
        token: names this driver; workers carry it.
    """

    def __init__(self, run: Path):
        self._run = run
        self._lock = Lock(run / NAME)
        self.token = secrets.token_hex(8)

    def take(self, force: bool = False) -> list[str]:
        """Takes the run, or says who has it.

        Args:
            force: take it even though a driver on another machine did not sign off.

        Returns:
            Lines about what was found and done, for people.

        Raises:
            UserError: another driver works on it, or may.
            OSError: the folder cannot be written.
        """
        lines = []
        free = self._lock.acquire(PROBE_SECONDS)
        try:
            note = read_json(self._lock.path)
            garbled = note is not None and not {"host", "pid", "born", "since", "driving"} <= note.keys()
        except Damaged as error:
            # A lock that was never written to is the trace of a driver that died at its very first step.
            note, garbled = None, str(error) != "empty"
        if garbled:
            note = None
            if free:
                lines.append(f"set aside: {set_aside(self._lock.path, copy=True)} (a garbled lock that nobody holds)")
        try:
            lines += self._judged(note, free, force)
        except UserError:
            self._lock.release()
            raise
        if not free:
            self._lock.path.unlink(missing_ok=True)  # Its holder keeps a lock on a file that is no longer there.
            if not self._lock.acquire(PROBE_SECONDS):
                raise UserError(f"{self._run}: another driver took it at the same moment; try again")
        self._write(driving=True)
        return lines

    def _judged(self, note: dict[str, Any] | None, free: bool, force: bool) -> list[str]:
        """Whether the run may be taken, from what its lock says."""
        if note is None:
            if free:
                return []
            raise UserError(f"{self._run}: in use by another process that has not said who it is; try again")
        if not note["driving"] and free:
            return []
        who = f"{note['host']} pid {note['pid']} since {note['since']}"
        here = note["host"] == socket.gethostname()
        if here and (not free or alive(note["pid"], note["born"])):  # A lock that is held has a living holder.
            raise UserError(f"{self._run}: in use by {who}; wait for it, or stop it: kill {note['pid']}")
        if here:
            return [f"{self._run}: the last driver, {who}, ended without a word; going on where it left"]
        if force:
            return [f"{self._run}: taken over from {who}; what is left of it can write nothing more"]
        raise UserError(
            f"{self._run}: in use by {who}, another machine, which did not sign off; if no driver works there now, "
            "--force takes the run over"
        )

    def _write(self, driving: bool) -> None:
        process = psutil.Process()
        note = {
            "format": FORMAT,
            "host": socket.gethostname(),
            "pid": process.pid,
            "born": process.create_time(),
            "since": time.strftime("%F %T", time.localtime(process.create_time())),
            "token": self.token,
            "driving": driving,
        }
        self._lock.write(seal(note))

    def release(self) -> None:
        """Signs off."""
        with suppress(OSError):  # On a full disk; the kernel frees the lock all the same.
            if Guard(self._run, self.token).superseded() is None:
                self._write(driving=False)
        self._lock.release()

    def is_held(self) -> bool:
        """Whether a driver on this machine works on the run now."""
        return not self._lock.is_free()


class Guard:
    """What a worker asks before it writes: is the run still its driver's?

    Args:
        run: the run folder.
        token: of the driver.
    """

    def __init__(self, run: Path, token: str):
        self._path, self._token = run / NAME, token

    def superseded(self) -> str | None:
        """Why this driver's processes must not write; None if they may."""
        try:
            note = read_json(self._path)
        except (Damaged, OSError) as error:
            return f"{self._path} cannot be read ({error})"
        if note is None:
            return f"{self._path} is not there on {socket.gethostname()}; --out must be a folder that every node sees"
        if note.get("token") != self._token:
            return f"{self._path} names another driver, which has taken the run over"
        return None

    def check(self) -> None:
        """Passes only while the run is this driver's.

        Raises:
            Superseded: it is not.
        """
        reason = self.superseded()
        if reason is not None:
            raise Superseded(reason)


def alive(pid: int, born: float) -> bool:
    """Whether the process of that number and birth still runs; numbers are used again."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - born) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, TypeError, OverflowError):
        return False


def holder(run: Path) -> str:
    """Who drives a run, for people."""
    try:
        note = read_json(run / NAME) or {}
    except (Damaged, OSError):
        note = {}
    return f"{note.get('host', 'an unknown host')} pid {note.get('pid', '?')} since {note.get('since', '?')}"


class Driver(NamedTuple):
    """A driver that has not signed off.

    Attributes:
        text: who it is, for people.
        born: when it began, Unix seconds.
    """

    text: str
    born: float


def driver(run: Path) -> Driver | None:
    """Who drives a run now, by what its lock says; None where nobody does.

    A driver on another machine counts as one, because whether it lives cannot be seen from here. The lock itself
    is left alone, so this may be asked as often as one likes.
    """
    try:
        note = read_json(run / NAME) or {}
    except (Damaged, OSError):
        return None
    if not note.get("driving") or not isinstance(note.get("born"), int | float):
        return None
    if note.get("host") != socket.gethostname():
        return Driver(f"{holder(run)} (another machine, which cannot be seen from here)", note["born"])
    return Driver(holder(run), note["born"]) if alive(note.get("pid", -1), note["born"]) else None


__all__ = ["NAME", "Driver", "DriverLock", "Guard", "Superseded", "alive", "driver", "holder"]
