"""Who gets a signal, and what becomes of the program that got one."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from search import signals
from search.errors import Halted, Interrupted
from search.signals import (
    SIGNALS,
    act_at_once,
    handled,
    kept,
    last_resort,
    lift_time_limit,
    own_sessions,
    time_limit,
    unlimited,
)
from search.tuning.stopper import Interrupt

ROOT = Path(__file__).resolve().parents[2]
STUCK = """
import os, signal, sys, threading, time
from pathlib import Path
from search import signals
from search.storage.invocations import history
signals.PATIENCE_SECONDS = 0.1
run = Path(sys.argv[1])
with signals.handled(lambda number, frame: None), signals.last_resort("to resume: x"), history(run):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)  # As Ray does when it waits for what is gone.
"""


@pytest.fixture(autouse=True)
def _not_under_nohup() -> Iterator[None]:
    """Whoever runs the tests under nohup has them ignore SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0)  # Python runs handlers between two instructions.


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_every_signal_is_a_wish_to_end(number: signal.Signals) -> None:
    with pytest.raises(Interrupted) as caught, handled(act_at_once):
        send(number)
    assert caught.value.number == number


def test_what_nohup_ignores_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """But a background job, for which a shell ignores SIGINT, is ended by one that somebody sends."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGINT)}
    try:
        with handled(act_at_once) as take_back:
            send(signal.SIGHUP)
            signal.signal(signal.SIGHUP, act_at_once)  # As Tune takes SIGUSR1.
            take_back()
            send(signal.SIGHUP)
            with kept():
                send(signal.SIGHUP)
            with pytest.raises(Interrupted):
                send(signal.SIGINT)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def test_signals_are_taken_back_from_who_took_them() -> None:
    heard: list[int] = []
    with handled(lambda number, frame: heard.append(number)) as take_back:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        take_back()
        for number in SIGNALS:
            send(number)
    assert heard == list(SIGNALS)


def test_an_echo_is_not_a_second_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    """`timeout` sends SIGTERM to its command, then to its group; a person who sends it twice means it."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    interrupt = Interrupt()

    def wish() -> None:
        with last_resort("to resume: x"), interrupt.listening():
            send(signal.SIGTERM)
            send(signal.SIGTERM)
            assert interrupt.stop_all()
            clock[0] += 1.5
            send(signal.SIGTERM)
            pytest.fail("the second wish did not end it at once")

    with pytest.raises(Interrupted):
        wish()


def test_what_fails_after_a_signal_is_an_interruption() -> None:
    """Ray fails where the signal went to its processes too."""

    def end(*numbers: int) -> None:
        with Interrupt().listening():
            for number in numbers:
                send(number)
            raise RuntimeError("the raylet is gone")

    with pytest.raises(Interrupted):
        end(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="the raylet"):
        end()


def test_what_ray_starts_is_not_in_our_group() -> None:
    ask = [sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())"]
    with own_sessions():
        assert subprocess.run(ask, capture_output=True, text=True).stdout == "True\n"
    assert subprocess.run(ask, capture_output=True, text=True).stdout == "False\n"


def test_the_last_resort_ends_the_history(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", STUCK, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (143, "invsearch: interrupted; to resume: x\n")
    end = json.loads((tmp_path / "history.jsonl").read_text().splitlines()[-1])
    assert (end["event"], end["outcome"]) == ("end", "interrupted")


def test_a_reader_that_does_not_read_keeps_nobody_alive(tmp_path: Path) -> None:
    """As a terminal after Ctrl-S, or `less` on its first page."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(1024))
    os.set_blocking(writer, True)
    done = subprocess.run([sys.executable, "-c", STUCK, str(tmp_path)], cwd=ROOT, stderr=writer, timeout=60)
    os.close(reader)
    os.close(writer)
    assert done.returncode == 143
    assert json.loads((tmp_path / "history.jsonl").read_text().splitlines()[-1])["outcome"] == "interrupted"


def test_last_words_that_get_no_answer_keep_nobody_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, codes = threading.Event(), []
    monkeypatch.setattr(signals, "WORDS_SECONDS", 0.01)
    monkeypatch.setattr(os, "_exit", lambda code: codes.append((code, answered.is_set())))
    resort = signals._LastResort()
    resort.words.append(lambda: (answered.wait(5), answered.set()))
    resort._end("interrupted", 130)
    answered.set()
    assert codes == [(130, False)]


def wait_for_ever() -> None:
    while True:
        with suppress(Exception):  # Ray's and ours, which take any error for one of their own.
            time.sleep(60)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.01])
def test_a_time_limit_ends_whatever_is_under_way(seconds: float) -> None:
    with pytest.raises(Halted, match="time is up"), time_limit(seconds, "time is up"):
        wait_for_ever()
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_a_time_limit_waits_where_others_look_at_the_clock() -> None:
    with time_limit(0.5, "time is up"), unlimited():
        time.sleep(0.7)
    with time_limit(0.5, "time is up"):
        lift_time_limit()
        time.sleep(0.7)
    with time_limit(math.inf, "time is up"):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_alarm_of_a_program_around_us_is_its_own() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 60.0)
        with time_limit(0.01, "time is up"), unlimited():
            lift_time_limit()
            time.sleep(0.05)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50.0
        with unlimited():
            send(signal.SIGALRM)
        assert heard == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_another_thread_has_no_time_limit_and_lifts_none() -> None:
    def work() -> None:
        with time_limit(0.01, "time is up"), unlimited():
            time.sleep(0.05)
        lift_time_limit()

    with time_limit(60.0, "time is up"):
        with ThreadPoolExecutor() as pool:
            pool.submit(work).result()
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50.0


BLOCKED = """
import ctypes, os, signal, threading
from search import signals
signals.PATIENCE_SECONDS = 0.1
with signals.handled(signals.act_at_once), signals.last_resort("to resume: x"), signals.time_limit(1.0, "x"):
    with signals.kept():
        if {number}:
            threading.Timer(0.5, os.kill, [os.getpid(), {number}]).start()
        mutex = ctypes.create_string_buffer(128)
        for _ in range(2):  # As Ray waits for its raylet: no handler of Python runs.
            ctypes.CDLL(None).pthread_mutex_lock(mutex)
"""


@pytest.mark.parametrize(("number", "code", "said"), [(15, 143, "interrupted"), (0, 3, "the time budget is used up")])
def test_the_last_resort_also_ends_who_waits_outside_of_python(number: int, code: int, said: str) -> None:
    text = BLOCKED.format(number=number)
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (code, f"invsearch: {said}; to resume: x\n")


def test_who_takes_signals_while_ray_starts_gets_none() -> None:
    """Nor does the first one raise anything there: where an object goes, Python would lose the exception."""
    ends: list[str] = []

    class Going:
        def __del__(self) -> None:
            send(signal.SIGTERM)
            ends.append("whole")

    def start() -> None:
        with handled(act_at_once), kept():
            signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))
            Going()
            ends.append("to the end")

    before = signal.signal
    with pytest.raises(Interrupted) as caught:
        start()
    assert (caught.value.number, ends) == (signal.SIGTERM, ["whole", "to the end"])
    assert signal.signal is before


def test_a_time_limit_that_ends_while_ray_starts_is_said_after_it() -> None:
    ends: list[str] = []

    def start() -> None:
        with time_limit(0.5, "time is up"), kept():
            time.sleep(0.7)
            ends.append("started")

    with pytest.raises(Halted, match="time is up"):
        start()
    assert ends == ["started"]


LOST = """
import os, signal, time
from search import signals
lost = []
with signals.handled(lambda number, frame: lost.append(number)), signals.last_resort("to resume: x"):
    with signals.ended_early(lambda: bool(lost)):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
"""


def test_a_signal_ends_at_once_who_has_nothing_left_to_run_on() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (143, "invsearch: interrupted; to resume: x\n")
