"""One driver a run: who drives it now, who drove it last, and the token that shuts out leftovers.

RUN/driver.lock is held with ``flock`` while a driver works, and says who that is. The kernel frees
the lock when the driver dies, whichever container it was in, but only on its own machine, and some
shared file systems do not carry locks from one machine to another; so what the file says counts as well.

Each driver writes a token of its own. Its workers read it before every write: the workers of a
driver that was killed, or whose run was taken over, find another token and write nothing more.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from search.errors import Superseded
from search.storage.file_lock import Lock
from search.storage.identity import describe_place, describe_process, is_here, is_running
from search.storage.json_files import set_aside
from search.storage.places.urls import find_url
from search.storage.writer import Writer
from spaces import UserError
from spaces.files.sealed import Damaged, read_sealed, seal

NAME = "driver.lock"
FORMAT = 1
PROBE_SECONDS = 1.0  # `invsearch status` holds the lock for a moment to see whether it is free.


class DriverLock:
    """The right to work on a run; the ``token`` names this driver, and its workers carry it."""

    def __init__(self, run: Path):
        self._run = run
        self._lock = Lock(run / NAME)
        self.token = secrets.token_hex(8)
        self._since: dict[str, Any] = {}

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
        try:
            return self._take(force)
        except BaseException:
            self._lock.abandon()  # Or this process could not take it again.
            raise

    def _take(self, force: bool) -> list[str]:
        lines = []
        free = self._lock.acquire(PROBE_SECONDS)
        note, garbled = _read_note(self._lock.path)
        if garbled and free:
            lines.append(f"set aside: {set_aside(self._lock.path, copy=True)} (a garbled lock that nobody holds)")
        last = _judge_lock(note, held=not free)
        if last is not None and last.lives is False:
            lines.append(
                f"{self._run}: the last driver, {last.text}, exited without signing off; resuming where it stopped"
            )
        elif last is not None and (last.lives or not force):
            raise UserError(f"{self._run}: in use by {last.text}; {last.advice}")
        elif last is not None:
            lines.append(f"{self._run}: taken over from {last.text}; what is left of it can write nothing more")
        if not free:
            self._lock.path.unlink(missing_ok=True)  # Its holder keeps a lock on a file that is no longer there.
            if not self._lock.acquire(PROBE_SECONDS):
                raise UserError(f"{self._run}: another driver took it at the same moment; try again")
        self._write(driving=True)
        return lines

    def _write(self, driving: bool) -> None:
        now = time.time()
        self._since = self._since or {"born": now, "since": time.strftime("%F %T", time.localtime(now))}
        self._lock.write(
            seal({"format": FORMAT, **describe_process(), **self._since, "token": self.token, "driving": driving})
        )

    def release(self) -> None:
        """Signs off."""
        with suppress(OSError, Superseded):  # On a full disk too the kernel frees the lock.
            Guard(self._run, self.token).check()
            self._write(driving=False)
        self._lock.release()


class Guard(Writer):
    """What a worker asks before it writes: is the run still that of the driver with its token?"""

    def __init__(self, run: Path, token: str):
        super().__init__(run)
        self._path, self._token = run / NAME, token

    def check(self) -> None:
        """Passes only while the run is this driver's.

        Raises:
            Superseded: it is not; the message says why.
        """
        try:
            note = read_sealed(self._path)
        except (Damaged, OSError) as error:
            raise Superseded(f"{self._path} cannot be read ({error})") from None
        if note is None:
            where = f"{self._path} is not there on {socket.gethostname()}"
            raise Superseded(f"{where}; --out must be a folder that every node sees")
        if note.get("token") != self._token:
            raise Superseded(f"{self._path} names another driver, which has taken the run over")


class Driver(NamedTuple):
    """A driver that has not signed off.

    Attributes:
        text: who it is, for people.
        born: when it began, Unix seconds.
        lives: whether it works on; None where that cannot be seen from here.
        advice: what somebody who wants the run can do.
    """

    text: str
    born: float
    lives: bool | None
    advice: str


def find_driver(run: Path) -> Driver | None:
    """Who drives a run now; None where nobody does.

    A driver on another machine counts as one, because whether it lives cannot be seen from here.
    """
    if (url := find_url(run)) is not None:
        from search.storage.places.lease import find_holder

        return find_holder(url)
    try:
        note, _ = _read_note(run / NAME)
    except OSError:
        note = None
    found = _judge_lock(note, held=not Lock(run / NAME).is_free())
    return None if found is None or found.lives is False else found


def _read_note(path: Path) -> tuple[dict[str, Any] | None, bool]:
    """What a lock says, None where that is nothing sound, and whether it is garbled."""
    try:
        note = read_sealed(path)
    except Damaged as error:
        # A lock that was never written to is the trace of a driver that died at its very first step.
        return None, str(error) != "empty"
    return (note, False) if note is None or is_note(note) else (None, True)


def is_note(note: Mapping[str, Any]) -> bool:
    """Whether it says who a driver is."""
    return (
        {"host", "pid", "born", "since", "driving"} <= note.keys()
        and isinstance(note["born"], int | float)
        and type(note["pid"]) is int
        and note["pid"] > 0  # It becomes part of a command.
    )


def _judge_lock(note: Mapping[str, Any] | None, held: bool) -> Driver | None:
    """The one judgement of what a lock says and whether somebody holds it; None where there is no driver."""
    if note is None or not note["driving"]:
        who = "another process that has not said who it is"
        return Driver(who, time.time(), True, "try again") if held else None
    who, born = f"{note['host']} pid {note['pid']} since {note['since']}", note["born"]
    if not is_here(note):
        advice = "if no driver works there now, --force takes the run over"
        return Driver(f"{who} (another machine, which cannot be seen from here)", born, None, advice)
    where = describe_place(note)
    if where is None:
        return Driver(who, born, held or is_running(note), f"wait for it, or stop it: kill {note['pid']}")
    return Driver(f"{who} ({where})", born, held, "wait for it, or stop it there")
