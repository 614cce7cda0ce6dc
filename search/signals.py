"""How an invocation ends before its time, and who handles Ctrl-C, SIGTERM and the like meanwhile."""

from __future__ import annotations

import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partialmethod
from typing import Any, TypeAlias

from search.errors import TIME_IS_UP, Halted, Interrupted, TimeIsUp

# A person's, a machine's that shuts down, a terminal's that closes, and those that schedulers send before time is up.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
PATIENCE_SECONDS = 25.0  # Tune gives its workers 15 to end; Slurm and Kubernetes kill after 30.
WORDS_SECONDS = 3.0
ONE_WISH_SECONDS = 1.0  # `timeout` tells its command and then the command's process group.
Handlers: TypeAlias = Mapping[signal.Signals, Any]


class _LastResort:
    """Ends the program when a signal has not ended it by itself, as when Ray is gone and waited for."""

    def __init__(self) -> None:
        self.line: str | None = None
        self.words: list[Callable[[], object]] = []
        self.is_lost: Callable[[], bool] | None = None
        self.timer: threading.Timer | None = None
        self.since: float | None = None
        self.claim = threading.Lock()  # Held while the clock runs.

    def start(self, number: int) -> bool:
        """From now on there are ``PATIENCE_SECONDS``; what is committed needs no more.

        Returns:
            Whether the signal is a wish of its own, and not the first one's echo.
        """
        if self.line is None:
            return True
        before, self.since = self.since, self.since or time.monotonic()
        self.arm(number)
        return before is None or time.monotonic() - before > ONE_WISH_SECONDS

    def arm(self, number: int) -> None:
        """Starts the clock, if it does not run; of two threads, one does."""
        if self.line is not None and self.claim.acquire(blocking=False):
            what, code = ("interrupted", 128 + number) if number in SIGNALS else (TIME_IS_UP, 3)
            self.timer = threading.Timer(PATIENCE_SECONDS, self._end, [what, code])
            self.timer.daemon = True
            self.timer.start()
            threading.Thread(target=self._end_where_lost, args=[what, code], daemon=True).start()

    def _end_where_lost(self, what: str, code: int) -> None:
        while self.timer is not None and (is_lost := self.is_lost) is not None:
            if is_lost():
                self._end(what, code)
            time.sleep(0.005)

    def _end(self, what: str, code: int) -> None:
        saying = threading.Thread(target=self._say_last_words, daemon=True)
        saying.start()
        saying.join(WORDS_SECONDS)  # A run may lie where nothing answers.
        with suppress(OSError):
            if select.select([], [2], [], 1.0)[1]:  # A terminal may be stopped, a pipe full.
                os.write(2, f"invsearch: {what}; {self.line}\n".encode())
        os._exit(code)

    def _say_last_words(self) -> None:
        for say in reversed(self.words):
            with suppress(Exception):
                say()


_last_resort = _LastResort()


@contextmanager
def last_resort(line: str) -> Iterator[None]:
    """Within the ``with`` block a signal ends the program in ``PATIENCE_SECONDS`` at the latest, with that line.

    Python itself tells a thread which signals come, so that is true where the main thread waits outside of Python, as
    for Ray that is gone, and no handler runs.
    """
    _last_resort.line = line
    try:
        with _watched():
            yield
    finally:
        if _last_resort.timer is not None:
            _last_resort.timer.cancel()
            _last_resort.claim.release()
        _last_resort.line = _last_resort.timer = _last_resort.since = None


@contextmanager
def _watched() -> Iterator[None]:
    if not _is_main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def watch() -> None:
        while read := os.read(reader, 1):
            if read[0] in (*SIGNALS, signal.SIGALRM) and signal.getsignal(read[0]) != signal.SIG_IGN:
                _last_resort.arm(read[0])

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        watching.join()
        os.close(reader)


@contextmanager
def last_words(say: Callable[[], object]) -> Iterator[None]:
    """Within the ``with`` block the last resort calls a function before it ends the program."""
    _last_resort.words.append(say)
    try:
        yield
    finally:
        _last_resort.words.remove(say)


@contextmanager
def ended_early(is_lost: Callable[[], bool]) -> Iterator[None]:
    """Within the ``with`` block a signal ends the program at once where what it runs on is lost, as to the same signal.

    Ray's own code may be faster, and then ends the program with code 1 and no word.
    """
    _last_resort.is_lost = is_lost
    try:
        yield
    finally:
        _last_resort.is_lost = None


@contextmanager
def _installed(handlers: Handlers) -> Iterator[None]:
    before = _install(handlers)
    try:
        yield
    finally:
        _install(before)


def _install(handlers: Handlers) -> Handlers:
    """Makes these the handlers of signals; returns those before. Only the main thread may; others have none."""
    if not _is_main_thread():
        return {}
    # None stands for a handler that is not Python's, as of a program around it: that one stays.
    ours = [number for number in handlers if handlers[number] is not None and signal.getsignal(number) is not None]
    return {number: signal.signal(number, handlers[number]) for number in ours}


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def handled(handler: Callable[[int, Any], object]) -> Iterator[Callable[[], object]]:
    """Handles ``SIGNALS`` with a function for the time of a ``with`` block.

    Those that the parent has this program ignore, as ``nohup`` does, stay ignored. Shells do that with SIGINT for
    what they run in the background, where a person who sends it still means it.

    Yields:
        Takes the signals back from others who have taken them, as Tune does.
    """

    def handle(number: int, frame: Any) -> None:
        if _last_resort.start(number):
            handler(number, frame)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    ignored = {number for number, old in before.items() if old == signal.SIG_IGN and number != signal.SIGINT}
    wanted = {number: signal.SIG_IGN if number in ignored else handle for number in SIGNALS}
    with _installed(wanted):
        yield lambda: _install(wanted)


@contextmanager
def own_sessions() -> Iterator[None]:
    """Programs that are started in the ``with`` block lead sessions of their own.

    A signal to the driver's process group, or the end of its terminal, does not reach them: the driver ends them.
    """
    start = subprocess.Popen.__init__
    subprocess.Popen.__init__ = partialmethod(start, start_new_session=True)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        subprocess.Popen.__init__ = start


@contextmanager
def kept() -> Iterator[None]:
    """Within the ``with`` block nobody else takes a signal for himself, as Ray does while it starts.

    Nor does the first one raise anything there: where Python cannot pass an exception on, as in what it calls when an
    object goes, it would be lost, with a traceback for all that is left of it.

    Raises:
        Interrupted: one came; at the end of the block, and at once for one more.
        TimeIsUp: a ``time_limit`` is over; at the end of the block.
    """
    if not _is_main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        if _last_resort.start(number) and came:
            raise Interrupted(number)
        if not came:  # In a thread of its own: the signal may have come in the middle of a print.
            words = {"args": [describe_stopping(number)], "kwargs": {"file": sys.stderr}}
            threading.Thread(target=print, daemon=True, **words).start()
        came.append(number)

    mine = [number for number in SIGNALS if signal.getsignal(number) not in (None, signal.SIG_IGN)]
    late: list[int] = []
    alarm = {signal.SIGALRM: lambda number, frame: late.append(number)} if _limits else {}
    install = signal.signal
    try:
        with _installed(dict.fromkeys(mine, note) | alarm):
            signal.signal = lambda number, handler: signal.getsignal(number)
            try:
                yield
            finally:
                signal.signal = install
    finally:
        if came:
            raise Interrupted(came[0])
        if late:
            raise TimeIsUp(_limits[-1])


@contextmanager
def time_limit(seconds: float, reason: str) -> Iterator[None]:
    """Ends a ``with`` block after so many seconds, at once where none are left; infinity is no limit.

    Only the main thread can be ended so, and only in a program that has set no alarm of its own.

    Raises:
        Halted: that time is over; not while ``unlimited`` has it wait.
    """

    def end(number: int, frame: object) -> None:
        raise TimeIsUp(reason)

    if seconds == math.inf or not _is_main_thread() or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return
    if seconds <= 0:
        raise Halted(reason)
    with _installed({signal.SIGALRM: end}):
        try:
            _limits.append(reason)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            yield
        except TimeIsUp as over:
            raise Halted(str(over)) from None
        finally:
            lift_time_limit()
            _limits.pop()


_limits: list[str] = []  # Whose alarm is set; without one it is that of the program around us.


def lift_time_limit() -> None:
    """What follows has as long as it takes."""
    if _limits and _is_main_thread():
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def unlimited() -> AbstractContextManager[None]:
    """Within the ``with`` block a ``time_limit`` around it ends nothing: the code inside watches the clock itself."""
    return _installed({signal.SIGALRM: signal.SIG_IGN} if _limits else {})


def describe_stopping(number: int) -> str:
    """The immediate answer to a signal that ends a run in order, which takes a while."""
    if number == signal.SIGINT:
        return "stopping; press Ctrl-C again to end now"
    return f"stopping ({signal.Signals(number).name})"


def act_at_once(number: int, frame: object) -> None:
    """A handler for the time before and after Tune: ends the program where it stands.

    Raises:
        Interrupted: always.
    """
    raise Interrupted(number)
