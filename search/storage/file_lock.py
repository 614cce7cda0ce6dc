"""Advisory locks on files: one process at a time, released by the system when the process dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from search.storage.json_files import check_ours

POLL_SECONDS = 0.1


class Lock:
    """An exclusive ``flock`` on a file.

    The kernel drops it when its holder dies, so a killed process leaves nothing to clean up.
    """

    def __init__(self, path: Path):
        self.path = path
        self._handle: int | None = None

    def acquire(self, wait_seconds: float = 0.0) -> bool:
        """Takes the lock, waiting at most ``wait_seconds``; True when it is held."""
        give_up = time.monotonic() + wait_seconds
        while not self._try():
            if time.monotonic() >= give_up:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _try(self) -> bool:
        # A link could lead to a file outside the run folder.
        handle: int | None = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        try:
            check_ours(handle, self.path)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(self.path)):  # Else made anew since it was opened.
                self._handle, handle = handle, None
        except (BlockingIOError, FileNotFoundError):
            pass
        finally:
            if handle is not None:
                os.close(handle)
        return handle is None

    def write(self, content: bytes) -> None:
        """Replaces what the file says; only its holder may."""
        assert self._handle is not None
        os.pwrite(self._handle, content, 0)
        os.ftruncate(self._handle, len(content))

    def release(self) -> None:
        """Gives the lock back; nothing happens if it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def abandon(self) -> None:
        """Gives the lock back; a file that says nothing goes with it."""
        if self._handle is not None and os.fstat(self._handle).st_size == 0:
            self.path.unlink(missing_ok=True)
        self.release()

    def is_free(self) -> bool:
        """Whether nobody holds the lock now; does not create the file."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(handle)
        return True
