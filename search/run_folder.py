"""The folder of a run: it explains itself and holds everything worth keeping.

RUN/spec.json      what was asked for
RUN/costs.json     parameters and multiplies of each architecture
RUN/history.jsonl  who ran what here, when, with which versions
RUN/trials/ID/     one folder a trial (search/trial_folder.py)
RUN/.tune/         Ray Tune's scratch; may be deleted at any time
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import models
from search.datasets import dataset
from search.files import append_line, write_json
from search.lock import Lock
from search.provenance import invocation
from search.trial_folder import TrialFolder, damaged, read_json
from spaces import TrialSpec, UserError
from spaces.run import RunSpec, option

PROBE_SECONDS = 1.0  # `invsearch status` holds the lock for a moment to see whether it is free.


class RunFolder:
    """A run on disk.

    Args:
        path: the folder; ``driven`` makes it.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).resolve()
        self._lock = Lock(self.path / "driver.lock")

    @property
    def scratch(self) -> Path:
        """Where Ray Tune keeps its own files."""
        return self.path / ".tune"

    def read_spec(self) -> RunSpec:
        """What was asked for.

        Raises:
            UserError: not a run folder, or not readable.
        """
        content = read_json(self.path / "spec.json")
        if content is None:
            raise UserError(
                f"{self.path}: not a run folder (no spec.json); give the --out of a sweep, train or reproduce"
            )
        return RunSpec.from_dict(content)

    def _prepared(self, asked: RunSpec) -> RunSpec:
        """Writes the spec, extended where the folder holds the same run already."""
        known = any(self.path.glob("trials/*/record.json"))  # A start that was refused binds nobody.
        spec = self.read_spec().extended_by(asked) if known else asked
        for name in ("samples", "rerun_seeds"):
            whole, part = getattr(spec, name), getattr(asked, name)
            if part is not None and whole != part:
                print(f"{self.path} already asks for {whole} {option(name)}, so not {part}", file=sys.stderr)
        write_json(self.path / "spec.json", spec.as_dict(), indent=2)
        self._write_costs(spec)
        return spec

    def _write_costs(self, spec: RunSpec) -> None:
        """Costs are counted here, where torch is; analysis only reads them. conv is what they are relative to."""
        data = dataset(spec.dataset)
        names = dict.fromkeys((*spec.architectures, "conv"))
        costs = {
            name: [
                cost.as_dict()
                for cost in models.layer_costs(
                    models.build(name, gain=1.0, seed=0, input_shape=data.input_shape, classes=data.classes),
                    data.input_shape,
                )
            ]
            for name in names
        }
        write_json(self.path / "costs.json", costs, indent=2)

    @contextmanager
    def driven(self, asked: RunSpec) -> Iterator[RunSpec]:
        """Makes the folder or extends the run it holds, keeps other drivers out, and writes the history.

        Yields:
            The whole run: what the folder held and what ``asked`` adds.

        Raises:
            UserError: the folder holds another run or foreign files, another driver works on it, or
                it cannot be written.
        """
        entries = {entry.name for entry in self.path.iterdir()} if self.path.is_dir() else set()
        if "spec.json" not in entries and entries - {self._lock.path.name}:
            raise UserError(f"{self.path}: has files but no spec.json; give --out an empty or new folder")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            free = self._lock.acquire(
                PROBE_SECONDS, f"{socket.gethostname()} pid {os.getpid()} since {time.strftime('%F %T')}"
            )
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror}); give another --out") from None
        if not free:
            raise UserError(f"{self.path}: in use by {self._lock.holder()}; wait for it or stop it")
        try:
            spec = self._prepared(asked)
            with self._history():
                yield spec
        finally:
            self._lock.release()

    @contextmanager
    def _history(self) -> Iterator[None]:
        """Enters this invocation in the history, at its start and at its end."""
        started, about, outcome = time.time(), invocation(), "failed"
        append_line(self.path / "history.jsonl", {"event": "start", "time": started, **about})
        try:
            yield
            outcome = "done"
        except KeyboardInterrupt:
            outcome = "interrupted"
            raise
        finally:
            wall = round(time.time() - started, 1)
            end = {"event": "end", "time": time.time(), "pid": about["pid"], "outcome": outcome, "wall_seconds": wall}
            append_line(self.path / "history.jsonl", end)

    def is_driven(self) -> bool:
        """Whether a driver works on this run now, on this machine."""
        return not self._lock.is_free()

    def folders(self, trials: Iterable[TrialSpec]) -> list[TrialFolder]:
        """The folders of given trials, read; a trial never started has no rows."""
        found = []
        for trial in trials:
            folder = TrialFolder(self.path, trial)
            folder.read()
            found.append(folder)
        return found

    def recorded(self, phase: str) -> list[TrialFolder]:
        """Every trial of a phase that has a record."""
        found = []
        for path in sorted((self.path / "trials").glob("*/record.json")):
            content = read_json(path)
            try:
                spec = TrialSpec.from_dict(content["trial"])
            except (KeyError, TypeError, UserError) as error:
                raise damaged(path, error) from None
            if spec.phase == phase:
                found.append(spec)
        return self.folders(found)

    def failures(self, phase: str) -> int:
        """How many trials of a phase failed."""
        return sum(folder.verdict() == "failed" for folder in self.recorded(phase))
