"""Advisory locks on files: one process at a time, released by the system when the process dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

POLL_SECONDS = 0.1


class Lock:
    """An exclusive ``flock`` on a file.

    The kernel drops it when its holder dies, so a killed process leaves nothing to clean up.
    """

    def __init__(self, path: Path):
        self.path = path
        self._handle: int | None = None

    def acquire(self, wait_seconds: float = 0.0, note: str = "") -> bool:
        """Takes the lock, waiting at most ``wait_seconds``; True when it is held.

        Args:
            wait_seconds: how long to wait for another holder.
            note: who holds it, for people; ``holder`` reads it back.
        """
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        give_up = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    os.close(handle)
                    return False
                time.sleep(POLL_SECONDS)
        if note:
            os.ftruncate(handle, 0)
            os.pwrite(handle, note.encode(), 0)
        self._handle = handle
        return True

    def release(self) -> None:
        """Gives the lock back; nothing happens if it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def holder(self) -> str:
        """The note of the last holder."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def is_free(self) -> bool:
        """Whether nobody holds the lock now; does not create the file."""
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(handle)
        return True
