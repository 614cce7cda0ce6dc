"""Terminals and log readers that go away while a real sweep trains."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from tests.faults.harness import PATIENCE, ROOT, ended
from tests.faults.invariants import check_complete

pytestmark = pytest.mark.slow

SHAPE = ["--architectures", "conv", "--samples", "4", "--epochs", "40", "--scheduler", "none", "--grace-period", "40"]


class Screen:
    """Reads what a sweep shows, until it is taken away while the sweep trains.

    Args:
        run: the run folder of the sweep.
        handle: what to read from.
        trials: how many of its trials are to end before.
    """

    def __init__(self, run: Path, handle: int, trials: int = 1):
        self._run, self._handle, self._trials = run, handle, trials
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        os.set_blocking(self._handle, False)
        pause = threading.Event()
        while len(ended(self._run)) < self._trials and not pause.wait(0.05):
            with suppress(BlockingIOError, OSError):
                os.read(self._handle, 65536)
        os.close(self._handle)

    def wait(self) -> None:
        """Until it is gone."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


def start(run: Path, show: int | IO[bytes], prepare: Callable[[], None]) -> subprocess.Popen[bytes]:
    """A sweep that shows all that it says there."""
    return subprocess.Popen(
        [sys.executable, "-m", "search", "sweep", *SHAPE, "--out", str(run)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=show,
        stderr=show,
        start_new_session=True,
        preexec_fn=prepare,
    )


def last_entry(run: Path) -> dict[str, str]:
    return json.loads((run / "history.jsonl").read_text().splitlines()[-1])


@pytest.mark.parametrize("nohup", [False, True], ids=["closes", "closes-under-nohup"])
def test_a_terminal_closes(tmp_path: Path, nohup: bool) -> None:
    """The kernel tells the session of a terminal that goes; a sweep ends cleanly, or goes on where it was told to."""
    run = tmp_path / "run"
    leader, follower = os.openpty()

    def prepare() -> None:
        fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL)

    with start(run, follower, prepare) as sweep:
        os.close(follower)
        Screen(run, leader).wait()
        code = sweep.wait(PATIENCE)
    end = last_entry(run)
    assert end["event"] == "end"
    if nohup:
        assert (code, end["outcome"]) == (0, "done")
        assert end["lost"].startswith("standard error: ")
        check_complete(run)
    else:
        assert (code, end["outcome"]) == (128 + signal.SIGHUP, "interrupted")
        assert len(ended(run)) < 4


def test_the_reader_of_the_log_leaves(tmp_path: Path) -> None:
    """As ``invsearch sweep .. 2>&1 | head -2``."""
    run = tmp_path / "run"
    reader, writer = os.pipe()
    with start(run, writer, lambda: None) as sweep:
        os.close(writer)
        Screen(run, reader).wait()
        code = sweep.wait(PATIENCE)
    assert code == 0
    assert last_entry(run)["lost"].startswith("standard error: ")
    check_complete(run)
