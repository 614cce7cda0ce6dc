"""How an invocation ends before its time, and who handles Ctrl-C and SIGTERM meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 45.0  # Tune gives its workers 15 to end, and a busy machine takes its time.


class Interrupted(KeyboardInterrupt):
    """The user asked the run to end.

    Args:
        number: the signal that asked.
    """

    def __init__(self, number: int):
        super().__init__()
        self.number = number


class Halted(Exception):
    """The run cannot, or may not, go on now; its message says why."""

    outcome = "halted"  # For the history.


class _LastResort:
    """Ends the program when a signal has not ended it by itself, as when Ray is gone and waited for."""

    def __init__(self) -> None:
        self.line: str | None = None
        self._timer: threading.Timer | None = None

    def start(self, number: int) -> None:
        """From now on there are ``PATIENCE_SECONDS``; what is committed needs no more."""
        if self.line is not None and self._timer is None:
            self._timer = threading.Timer(PATIENCE_SECONDS, self._end, [number])
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """The program has ended by itself."""
        if self._timer is not None:
            self._timer.cancel()
        self.line, self._timer = None, None

    def _end(self, number: int) -> None:
        os.write(2, f"invsearch: interrupted; {self.line}\n".encode())
        os._exit(128 + number)


_last_resort = _LastResort()


@contextmanager
def last_resort(line: str) -> Iterator[None]:
    """Within the ``with`` block a signal ends the program in ``PATIENCE_SECONDS`` at the latest, with that line."""
    _last_resort.line = line
    try:
        yield
    finally:
        _last_resort.stop()


@contextmanager
def handled(handler: Callable[[int, Any], object]) -> Iterator[None]:
    """Handles SIGINT and SIGTERM with a function for the time of a ``with`` block."""

    def handle(number: int, frame: Any) -> None:
        _last_resort.start(number)
        handler(number, frame)

    previous = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)


@contextmanager
def kept() -> Iterator[None]:
    """Within the ``with`` block others may take signals for themselves, as Ray does while it starts.

    Python itself notes which ones came, so none is lost, even where its handler's exception is.

    Raises:
        Interrupted: one came; at the end of the block, or when it ends the block.
    """
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before, came = signal.set_wakeup_fd(writer, warn_on_full_buffer=False), b""
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        with suppress(BlockingIOError):
            came = os.read(reader, 4096)
        os.close(reader)
        os.close(writer)
        for number in SIGNALS:
            if number in came:
                raise Interrupted(number)


def at_once(number: int, frame: object) -> None:
    """A handler for the time before and after Tune: ends the program where it stands.

    Raises:
        Interrupted: always.
    """
    raise Interrupted(number)
