"""Brings logs up to date with the records during a run: a thread of the driver that reads what has changed.

A failing log never affects a trial: it is reported once, and what is missing is logged later.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from analysis.records.following import Stamp, read_stamp
from search.loggers import LOGGERS, Logger, Recorded
from search.loggers.base import claim_folder
from spaces import UserError
from spaces.specs.records import FILES, list_trial_folders, read_trial

FOLDER = "log"
INTERVAL_SECONDS = 3.0
LAST_SECONDS = 5.0  # For what is missing when an invocation is interrupted; the next one logs the rest.


class Exporter:
    """Feeds loggers, given by name, from the records of a run."""

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
        self.catch_up()
        while not self._enough.wait(INTERVAL_SECONDS):
            self.catch_up()

    def catch_up(self, patience: float = threading.TIMEOUT_MAX) -> None:
        """Logs what has been recorded since the last time; stops at the next trial after ``patience`` seconds."""
        until = time.monotonic() + patience
        for folder in list_trial_folders(self._run):
            if time.monotonic() > until or (self._enough.is_set() and threading.current_thread() is self._thread):
                return
            now, found = read_stamp(folder, FILES), None  # Before reading: what changes in between is read again.
            for name, logger in self._loggers.items():
                if self._logged.get((folder, name)) == now:
                    continue
                try:
                    if found := found or read_trial(folder):
                        record, outcome = found
                        claim_folder(self._run / FOLDER)
                        claim_folder(self._run / FOLDER / name)
                        logger.log(Recorded(record.spec, record.rows, outcome and outcome.status))
                    self._logged[folder, name] = now
                except Exception as error:  # Whatever it is, it is no reason to end a run.
                    if name not in self._complained:
                        self._complained.add(name)
                        complain(name, error, ", and the log catches up when it can")


def complain(name: str, error: Exception, sequel: str) -> None:
    """Says in one line what is wrong with a log, and how the run continues."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    print(f"invsearch: log {name}: {reason}; the run continues{sequel}", file=sys.stderr)


def check_installed(names: Sequence[str]) -> None:
    """Raises ``UserError`` where the library of a logger is not there; nothing is imported."""
    for name in names:
        logger = LOGGERS[name]
        if importlib.util.find_spec(logger.MODULE) is None:
            raise UserError(f"log {name}: {logger.MODULE} is not installed; pip install {logger.INSTALL}")


@contextmanager
def logged(run: Path, names: Sequence[str]) -> Iterator[None]:
    """Keeps the logs of those names for the time of a ``with`` block; does nothing without any."""
    run, loggers = run.resolve(), {}
    for name in names:
        try:
            loggers[name] = LOGGERS[name](run / FOLDER / name)
        except Exception as error:  # An import may fail in many ways.
            complain(name, error, " without it")
    with Exporter(run, loggers).running() if loggers else nullcontext():
        yield
