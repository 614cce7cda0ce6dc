"""One driver a run in a bucket: the lease, renewed on the version that was last read or written.

A driver that does not renew it for its whole length, by the store's clock, has lost it to the next one. What is left of
it gets a conflict at its next renewal, and at each other write. Before the lease is out it stops by itself.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from search.errors import Superseded, explain_error
from search.storage.driver import Driver, is_note
from search.storage.identity import describe_place, describe_process, is_here, is_running
from search.storage.places.address import open_place
from search.storage.places.base import Conflict, Place, Unreachable, Version
from search.storage.places.layout import LEASE
from spaces import UserError
from spaces.files.sealed import Damaged, seal, unseal

SECONDS = 60.0
FORMAT = 1
LOOK_SECONDS = 1.0
SIGN_OFF_SECONDS = 2.0  # A store that is away is not waited for: the lease runs out by itself.


def read_clock() -> float:
    """Seconds that also pass while the machine sleeps, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Lease:
    """The right to drive a run in a bucket.

    Args:
        place: the bucket.
        seconds: after which it is out where it is not renewed.
        token: names this driver.
    """

    def __init__(self, place: Place, seconds: float, token: str):
        self._place, self._seconds, self._token = place, seconds, token
        self._version: Version | None = None
        self._born = time.time()
        self._until = 0.0  # By this process's clock: until then nobody else can have it.
        self._lost: str | None = None
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, now: float, force: bool, say: Callable[[str], object]) -> tuple[list[str], bool]:
        """Takes the run, or says who has it; a driver elsewhere that may be dead is waited for.

        Args:
            now: the time by the store's clock.
            force: do not wait.
            say: is told that this waits.

        Returns:
            Lines about what was found, for people; and whether another driver had not signed off.

        Raises:
            UserError: another driver works on it.
            Unreachable: the store does not answer.
        """
        began, lines, crossed = read_clock(), [], False
        while True:
            note, version, modified = self._read()
            if note is not None and note["driving"]:
                crossed = True
                lines = [self._judge(note, now + read_clock() - began - modified, force, say)]
            before = self._until
            self._until = read_clock() + self._seconds
            try:
                content = self._write(driving=True)
                create, swap = self._place.create, self._place.swap
                self._version = create(LEASE, content) if version is None else swap(LEASE, content, version)
                break
            except Conflict:
                self._until = before
                continue  # Another driver was faster; who that is is judged now.
        self._lost, self._ended = None, threading.Event()
        self._thread = threading.Thread(target=self._renew_again_and_again, args=[self._ended], daemon=True)
        self._thread.start()
        return lines, crossed

    def _read(self) -> tuple[Mapping[str, Any] | None, Version | None, float]:
        entry, found = self._place.look(LEASE), self._place.get(LEASE)
        if entry is None or found is None:
            return None, None, 0.0
        return read_lease(found[0]), found[1], entry.modified

    def _judge(self, note: Mapping[str, Any], age: float, force: bool, say: Callable[[str], object]) -> str:
        """A line about a driver that did not sign off, if it has lost its lease; else raises who has it."""
        who, lives = describe_holder(note)
        if lives is False:
            return f"{self._place.url}: the last driver, {who}, exited without signing off; resuming where it stopped"
        if lives:
            raise UserError(f"{self._place.url}: in use by {who}; wait for it, or stop it: kill {note['pid']}")
        left = note["seconds"] + 1.0 - age  # The store counts whole seconds.
        if force and left > 0:
            return f"{self._place.url}: taken over from {who}; what is left of it can write nothing more"
        if left > 0:
            say(
                f"{self._place.url}: {who} has a lease for {left:.0f} more seconds; waiting to see whether it renews it"
            )
            self._wait_for_end(left, note, who)
        return f"{self._place.url}: {who} has not renewed its lease; taken over, what is left of it writes nothing more"

    def _wait_for_end(self, left: float, note: Mapping[str, Any], who: str) -> None:
        end = read_clock() + left
        while read_clock() < end:
            time.sleep(min(LOOK_SECONDS, max(0.0, end - read_clock())))
            now = self._read()[0]
            if now is not None and (now["token"], now["renewed"]) != (note["token"], note["renewed"]):
                advice = "wait for it, or stop it there" if now["driving"] else "try again"
                raise UserError(f"{self._place.url}: in use by {who}; {advice}")

    def _write(self, driving: bool) -> bytes:
        since = time.strftime("%F %T", time.localtime(self._born))
        about = {"born": self._born, "since": since, "token": self._token, "driving": driving, "seconds": self._seconds}
        return seal({"format": FORMAT, **describe_process(), **about, "renewed": secrets.token_hex(4)})

    def _renew_again_and_again(self, ended: threading.Event) -> None:
        while not ended.wait(self._seconds / 3):
            with suppress(Superseded, Unreachable):
                self._renew()

    def _renew(self, driving: bool = True) -> None:
        with self._lock:
            if self._lost is not None:
                raise Superseded(self._lost)
            if driving and self._ended.is_set():
                raise Superseded(f"{self._place.url}: this driver has signed off")
            while True:
                began = read_clock()
                try:
                    assert self._version is not None
                    self._version = self._place.swap(LEASE, self._write(driving), self._version)
                    break
                except Conflict:
                    found = self._place.get(LEASE)
                    note = None if found is None else read_lease(found[0])
                    if found is None or note is None or note["token"] != self._token:
                        self._lost = f"{self._place.url}/{LEASE} names another driver, which has taken the run over"
                        raise Superseded(self._lost) from None
                    self._version = found[1]  # A try without an answer won.
            self._until = began + self._seconds

    def check(self) -> None:
        """Passes only while nobody else can have the lease; renews it where that is not certain any more.

        Raises:
            Superseded: another driver has it.
            Unreachable: the store does not answer.
        """
        if self._lost is not None:
            raise Superseded(self._lost)
        if read_clock() > self._until - self._seconds / 3:
            self._renew()

    def release(self) -> None:
        """Signs off."""
        self._ended.set()
        if not self._lock.acquire(timeout=SIGN_OFF_SECONDS):
            return  # A renewal gets no answer.
        try:
            if self._version is not None:
                with suppress(OSError, Superseded):
                    self._renew(driving=False)
                self._version, self._until = None, 0.0
        finally:
            self._lock.release()


def read_lease(content: bytes) -> dict[str, Any] | None:
    """What a lease says; None where that is nothing sound, so that nobody has it."""
    try:
        note = unseal(content)
    except Damaged:
        return None
    known = type(note.get("seconds")) in (int, float) and isinstance(note.get("token"), str) and "renewed" in note
    return note if known and is_note(note) else None


def describe_holder(note: Mapping[str, Any]) -> tuple[str, bool | None]:
    """Who a driver is, for people, and whether it lives; None where that cannot be seen from here."""
    who = f"{note['host']} pid {note['pid']} since {note['since']}"
    if note.get("boot") is None or not is_here(note) or describe_place(note) is not None:
        return who, None
    return who, is_running(note)


def find_holder(url: str) -> Driver | None:
    """Who drives a run in a bucket now; None where nobody does.

    Raises:
        UserError: the bucket cannot be reached.
    """
    place = open_place(url)
    try:
        entry, found = place.look(LEASE), place.get(LEASE)
    except Unreachable as error:
        raise UserError(explain_error(error)) from None
    note = None if found is None else read_lease(found[0])
    if entry is None or note is None or not note["driving"]:
        return None
    who, lives = describe_holder(note)
    # The store's clock is not known here without writing, so a reader gives a driver twice its time.
    if lives is False or (lives is None and time.time() - entry.modified > 2 * note["seconds"]):
        return None
    return Driver(who, note["born"], lives, "wait for it, or stop it there")
