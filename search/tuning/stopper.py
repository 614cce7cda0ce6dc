"""What ends a sweep before its time: Ctrl-C and other signals, a time budget, a full disk, a lost cluster.

All of them end it cleanly, so that the same command resumes it; a second signal ends it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ray.tune import Stopper

from search.errors import TROUBLE, Halted, Interrupted, TimeIsUp, explain_error
from search.signals import handled, unlimited
from search.tuning.trainable import Unsaved


class Interrupt(Unsaved, Stopper):
    """Turns a signal, or a reason, into Tune's own stop, and keeps what it was."""

    def __init__(self, *reasons: Callable[[], str | None]) -> None:
        self.signal: int | None = None
        self.reason: str | None = None
        self.on_signal: Callable[[int], object] = lambda number: None  # Is told of the first one at once.
        self.take_back: Callable[[], object] = lambda: None  # The signals; `listening` knows how.
        self._reasons = reasons  # Asked again and again; each returns why to stop, or None.

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Never stops a single trial; takes in what a worker says of its disk."""
        self.reason = self.reason or result.get("stop")
        return False

    def stop_all(self) -> bool:
        """Whether a signal or a reason came."""
        for ask in self._reasons:
            self.reason = self.reason or ask()
        return self.signal is not None or self.reason is not None

    @contextmanager
    def on_trouble(self) -> Iterator[None]:
        """Makes what cannot be read or written in a ``with`` block a reason to stop.

        Tune would take an exception in a callback for a failure of the trial.
        """
        try:
            yield
        except TROUBLE as error:
            self.reason = self.reason or explain_error(error)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handles the signals for the time of a ``with`` block, then raises what came.

        Raises:
            Interrupted: a signal came.
            Halted: there was another reason.
        """

        def note(number: int, frame: object) -> None:
            if self.signal is not None:
                raise Interrupted(number)
            self.signal = number
            self.on_signal(number)

        with handled(note) as self.take_back, unlimited():
            try:
                yield
            except TimeIsUp as over:
                self.reason = str(over)
            except Exception:  # Ray fails where the signal went to its processes too.
                if self.signal is None:
                    raise
        if self.signal is not None:
            raise Interrupted(self.signal)
        if self.reason is not None:
            raise Halted(self.reason)
