"""Brings logs up to date with the records during a run: a thread of the driver that reads what has changed.

A failing log never affects a trial: it is reported once, and what is missing is logged later.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from analysis.records.following import Stamp, read_stamp
from search.loggers import LOGGERS, Logger, Recorded
from spaces import UserError
from spaces.specs.records import FILES, list_trial_folders, read_trial

FOLDER = "log"
INTERVAL_SECONDS = 3.0
LAST_SECONDS = 5.0  # For what is missing when an invocation is interrupted; the next one logs the rest.


class Exporter:
    """Feeds loggers from the records of a run.

    Args:
        run: the run folder.
        loggers: by name.
    """

    def __init__(self, run: Path, loggers: Mapping[str, Logger]):
        self._run, self._loggers = run, dict(loggers)
        self._logged: dict[tuple[str, str], Stamp] = {}
        self._complained: set[str] = set()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="loggers", daemon=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Logs for the time of a ``with`` block, what was recorded before it included."""
        self._thread.start()
        patience = LAST_SECONDS
        try:
            yield
            patience = threading.TIMEOUT_MAX
        finally:
            self._enough.set()
            self._thread.join(patience)
            if not self._thread.is_alive():
                self.catch_up(patience)

    def _follow(self) -> None:
        while True:
            self.catch_up()
            if self._enough.wait(INTERVAL_SECONDS):
                return

    def catch_up(self, patience: float = threading.TIMEOUT_MAX) -> None:
        """Logs what has been recorded since the last time.

        Args:
            patience: seconds after which to stop, at the next trial.
        """
        until = time.monotonic() + patience
        for folder in list_trial_folders(self._run):
            if time.monotonic() > until or (self._enough.is_set() and threading.current_thread() is self._thread):
                return
            now = read_stamp(folder, FILES)  # Before reading: what changes in between is read again.
            behind = [name for name in self._loggers if self._logged.get((folder, name)) != now]
            if behind:
                self._log(folder, behind, now)

    def _log(self, folder: str, names: Sequence[str], now: Stamp) -> None:
        trial: Recorded | None = None
        for name in names:
            try:
                trial = trial or find_recorded(Path(folder))
                if trial is not None:
                    claim_folder(self._run, name)
                    self._loggers[name].log(trial)
                self._logged[folder, name] = now
            except Exception as error:  # Whatever it is, it is no reason to end a run.
                self._complain(name, error)

    def _complain(self, name: str, error: Exception) -> None:
        if name not in self._complained:
            self._complained.add(name)
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            print(
                f"invsearch: log {name}: {reason}; the run continues, and the log catches up when it can",
                file=sys.stderr,
            )


def find_recorded(folder: Path) -> Recorded | None:
    """Reads a trial; None before its first record.

    Raises:
        Damaged: it is not what was written.
    """
    found = read_trial(folder)
    if found is None:
        return None
    record, outcome = found
    return Recorded(record.spec, record.rows, outcome and outcome.status)


def claim_folder(run: Path, name: str) -> Path:
    """RUN/log/NAME, where nothing is a link that leads elsewhere.

    Raises:
        OSError: something is.
    """
    for path in (run / FOLDER, run / FOLDER / name):
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
            raise OSError(f"{path} is not a folder of its own; remove it")
        path.mkdir(exist_ok=True)
    return run / FOLDER / name


def check_installed(names: Sequence[str]) -> None:
    """Whether the libraries of loggers are there; nothing is imported.

    Raises:
        UserError: one is not.
    """
    for name in names:
        logger = LOGGERS[name]
        if importlib.util.find_spec(logger.MODULE) is None:
            raise UserError(f"log {name}: {logger.MODULE} is not installed; pip install {logger.INSTALL}")


@contextmanager
def logged(run: Path, names: Sequence[str]) -> Iterator[None]:
    """Keeps the logs that were asked for, for the time of a ``with`` block; does nothing without any.

    Args:
        run: the run folder.
        names: of ``LOGGERS``.
    """
    loggers: dict[str, Logger] = {}
    for name in names:
        try:
            loggers[name] = LOGGERS[name](run.resolve() / FOLDER / name)
        except Exception as error:  # An import may fail in many ways.
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            print(f"invsearch: log {name}: {reason}; the run continues without it", file=sys.stderr)
    if not loggers:
        yield
        return
    with Exporter(run.resolve(), loggers).running():
        yield
