"""How an invocation ends before its time, and who handles Ctrl-C and SIGTERM meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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


@contextmanager
def handled(handler: Callable[[int, Any], object]) -> Iterator[None]:
    """Handles SIGINT and SIGTERM with a function for the time of a ``with`` block."""
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)


def at_once(number: int, frame: object) -> None:
    """A handler for the time before and after Tune: ends the program where it stands.

    Raises:
        Interrupted: always.
    """
    raise Interrupted(number)
