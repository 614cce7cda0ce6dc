"""Ctrl-C and SIGTERM: the sweep ends cleanly, and a second one ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.tune import Stopper

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The user asked the run to end.

    Args:
        number: the signal that asked.
    """

    def __init__(self, number: int):
        super().__init__()
        self.number = number


class Interrupt(Stopper):
    """Turns the first signal into Tune's own stop, and keeps which signal it was."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Never stops a single trial."""
        return False

    def stop_all(self) -> bool:
        """Whether a signal came."""
        return self.signal is not None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handles the signals for the time of a ``with`` block, then raises what came.

        Raises:
            Interrupted: a signal came.
        """
        previous = {number: signal.getsignal(number) for number in SIGNALS}

        def note(number: int, frame: object) -> None:
            if self.signal is not None:
                raise Interrupted(number)
            self.signal = number

        for number in SIGNALS:
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        if self.signal is not None:
            raise Interrupted(self.signal)
