"""Sweeps in processes of their own, and SIGKILL for any part of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0  # Seconds that nothing here takes, unless it hangs.
TITLES = ("ray::RecordedTrial", "ray::RecordedPack", "ray::ResourceTrainable")
GONE = (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied)


class Driver:
    """One invocation of the command line, from its start to its end.

    Args:
        options: its words, such as ``sweep --out RUN``.
        environment: variables added to this process's own.
        folder: where it runs.
        within: shell in namespaces of its own that replaces itself by ``"$@"``.

    Attributes:
        process: its process, which leads a session of its own.
    """

    def __init__(
        self,
        *options: str,
        environment: Mapping[str, str] | None = None,
        folder: Path = ROOT,
        within: str | None = None,
    ):
        line = [sys.executable, "-m", "search", *options]
        line = ["unshare", "--mount", "--uts", "sh", "-ec", within, "sh", *line] if within else line
        with tempfile.NamedTemporaryFile(prefix="faults-", delete=False) as stream:
            self._errors = Path(stream.name)
            self.process = subprocess.Popen(
                line,
                cwd=folder,
                env=os.environ | dict(environment or {}),
                stdout=subprocess.DEVNULL,
                stderr=stream,
                start_new_session=True,
            )
        weakref.finalize(self, self._errors.unlink)

    @property
    def errors(self) -> str:
        """What it has said on its standard error so far."""
        return self._errors.read_text()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def wait(self) -> int:
        """Its exit code, once it has ended; fails where it hangs."""
        return self.process.wait(timeout=PATIENCE)

    def wait_for(self, what: Callable[[], Any], or_end: bool = False) -> Any:
        """What a condition returned when it first was true.

        Args:
            what: the condition.
            or_end: return None where the driver ends first, instead of failing.
        """
        give_up = time.monotonic() + PATIENCE
        while not (found := what()):
            if not self.alive:
                if or_end:
                    return None
                raise AssertionError(f"it ended with {self.process.returncode}: {self.errors[-2000:]}")
            assert time.monotonic() < give_up, f"in vain: {self.errors[-2000:]}"
            time.sleep(0.01)
        return found

    def family(self) -> list[psutil.Process]:
        """It and all its descendants."""
        with suppress(*GONE):
            me = psutil.Process(self.process.pid)
            return [me, *me.children(recursive=True)]
        return []

    def workers(self) -> list[int]:
        """The processes that train its trials on this machine."""
        return workers_among(self.family())

    def raylet(self) -> list[int]:
        """The process of Ray that manages this machine for it, and those which that has started; none before."""
        for process in self.family():
            with suppress(*GONE):
                if process.name() == "raylet" and process.status() != psutil.STATUS_ZOMBIE:
                    return [process.pid, *(child.pid for child in process.children(recursive=True))]
        return []

    def kill(self, settled: bool = False) -> None:
        """SIGKILL to it alone; what it started has to notice by itself.

        Args:
            settled: wait until its workers have noticed: until then they still write to the run folder.
        """
        family = self.family() if settled else []
        self.process.kill()
        self.process.wait()
        give_up = time.monotonic() + PATIENCE
        while workers_among(family):
            assert time.monotonic() < give_up, "its workers go on without it"
            time.sleep(0.01)


def workers_among(processes: Iterable[psutil.Process]) -> list[int]:
    """Those that train trials; Ray names them after our class, and while they work after the one it wraps ours in."""
    found = []
    for process in processes:
        with suppress(*GONE):
            if any(title in " ".join(process.cmdline()) for title in TITLES):
                found.append(process.pid)
    return found


def trial_of(pid: int) -> str | None:
    """The id of the trial whose lock a worker has open; None while it has none."""
    with suppress(OSError):
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = Path(os.readlink(handle))
                if target.name == "lock" and target.parent.parent.name == "trials":
                    return target.parent.name
    return None


def kill(pid: int) -> bool:
    """SIGKILL; whether there was such a process."""
    assert pid > 1, "that would be everybody"
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def finish(*options: str) -> tuple[int, str]:
    """Runs a command to its end; its exit code and its standard error."""
    driver = Driver(*options)
    return driver.wait(), driver.errors


def epochs(run: Path, trial: str = "*") -> int:
    """How many epochs are on record."""
    total = 0
    for path in (run / "trials").glob(f"{trial}/record.json"):
        with suppress(FileNotFoundError):
            total += path.read_bytes().count(b'"epoch":')
    return total


def ended(run: Path) -> list[str]:
    """The ids of the trials that have an outcome."""
    return [path.parent.name for path in (run / "trials").glob("*/verdict.json")]
