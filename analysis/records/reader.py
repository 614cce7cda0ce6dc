"""The reader of a run folder: plain files in, two tables out.

Analysis reads nothing else. A record that cannot be read, or that contradicts itself, is reported
in ``Run.damaged`` and left out, so one bad file among thousands never hides the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.records.schema import EPOCHS, MEASURES, TRIALS, make_frame, make_trials
from spaces.common.errors import UserError, quote
from spaces.files.sealed import read_sealed
from spaces.specs.predictions import Predictions
from spaces.specs.protocol import ENDED_BY_ITSELF
from spaces.specs.records import list_trial_folders, read_trial
from spaces.specs.replicates import list_runs
from spaces.specs.run import SPEC, RunSpec, read_spec

# What reading and taking apart an arbitrary JSON file can raise.
UNREADABLE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError, UserError)
MAX_INTEGER = 2**63 - 1  # The integers of pandas.

Trial = tuple[dict[str, Any], dict[str, list[Any]]]  # Its row of the trials, its columns of the epochs.


@dataclass(frozen=True, eq=False)
class Run:
    """A run folder, read.

    Attributes:
        path: the folder.
        spec: the content of spec.json.
        costs: the content of costs.json: architecture -> its layers' costs; empty where there is none.
        trials: one row per trial, ordered by trial_id; its columns are ``schema.TRIALS`` and the further
            hyperparameters of the run, see ``schema.list_hyperparameters``.
        epochs: one row per trial and epoch; its columns are ``schema.EPOCHS``.
        damaged: (file, reason) of everything that could not be read.
        predictions: trial_id -> how it classified each test image; of finished reruns whose record has them.
    """

    path: Path
    spec: dict[str, Any]
    costs: dict[str, list[dict[str, Any]]]
    trials: pd.DataFrame
    epochs: pd.DataFrame
    damaged: list[tuple[Path, str]]
    predictions: Mapping[str, Predictions] = field(default_factory=dict)

    @cached_property
    def planned(self) -> dict[str, int]:
        """How many configurations of each architecture the sweep will have tried in the end."""
        spec = RunSpec.from_dict(self.spec)
        return {name: spec.count_planned(name) for name in spec.architectures}

    def list_behind(self, planned: Mapping[str, int] | None = None) -> list[str]:
        """The architectures whose sweep is not over, each as ``conv 3 of 256``; ``planned`` if not by the spec."""
        over = self.trials[(self.trials["phase"] == "sweep") & (self.trials["status"] != "unfinished")]
        ended = over["architecture"].value_counts()
        asked = self.planned if planned is None else planned
        return [
            f"{name} {ended.get(name, 0)} of {count}" for name, count in asked.items() if ended.get(name, 0) < count
        ]


def read_run(path: str | Path) -> Run:
    """Reads a run folder, also while it is being written.

    Raises:
        UserError: not a run folder, or its spec.json cannot be read.
    """
    path = Path(path)
    return assemble_tables(path, {folder: attempt(folder) for folder in list_trial_folders(path)})


def read_runs(paths: Iterable[str | Path]) -> list[Run]:
    """Reads run folders; one that holds replicates stands for those of them that were begun.

    A replicate that cannot be read is left out, and named among what is ``damaged`` of the first that can.

    Raises:
        UserError: as ``read_run``, no replicate was begun, or none can be read.
    """
    return [run for path in paths for run in _read_each(list_runs(Path(path)))]


def _read_each(folders: Sequence[Path]) -> list[Run]:
    found: list[Run] = []
    unread: list[tuple[Path, str]] = []
    for folder in folders:
        try:
            found.append(read_run(folder))
        except UserError as error:
            if folder == folders[-1] and not found:
                raise
            unread.append((folder / SPEC, str(error).removeprefix(f"{folder / SPEC}: ")))
    found[0].damaged.extend(unread)
    return found


def attempt(folder: str) -> Trial | str | None:
    """Reads one trial's folder; a text says in one line what is wrong with it, None that it has no record yet."""
    try:
        return _read_trial(folder)
    except UNREADABLE as error:
        return _find_reason(error)


def assemble_tables(path: Path, found: Mapping[str, Trial | str | None]) -> Run:
    """Makes a run of its trials, which ``attempt`` read, in the order in which they are given.

    Raises:
        UserError: not a run folder, or its spec.json cannot be read.
    """
    spec, costs = read_spec(path), {}
    damaged: list[tuple[Path, str]] = []
    try:
        costs = _read_costs(path / "costs.json")
    except UNREADABLE as error:
        damaged.append((path / "costs.json", _find_reason(error)))
    trials: list[dict[str, Any]] = []
    epochs: dict[str, list[Any]] = {name: [] for name in EPOCHS}
    for folder, read in found.items():
        if isinstance(read, str):
            damaged.append((Path(folder), read))
        elif read is not None:
            trials.append(read[0])
            for name, values in read[1].items():
                epochs[name].extend(values)
    predictions = {trial["trial_id"]: trial["predictions"] for trial in trials if trial["predictions"] is not None}
    return Run(path, spec, costs, make_trials(trials), make_frame(EPOCHS, epochs), damaged, predictions)


def _read_costs(path: Path) -> dict[str, list[dict[str, Any]]]:
    costs = read_sealed(path) or {}
    for layer in (layer for layers in costs.values() for layer in layers):
        if type(layer["kind"]) is not str or not all(
            type(layer[count]) is int and 0 <= layer[count] <= MAX_INTEGER
            for count in ("params", "mults", "transform_mults")
        ):
            raise ValueError(f"not a layer's costs: {quote(layer)}")
    return costs


def _clean(text: str) -> str:
    """What a file of UTF-8 can hold of a text."""
    return text.encode("utf-8", "replace").decode()


def _read_trial(folder: str) -> Trial | None:
    """Reads one trial: its row of the trials and its columns of the epochs; None before its first commit."""
    found = read_trial(folder)
    if found is None:
        return None
    record, outcome = found
    rows, length = record.rows, len(record.rows)
    parts = [[maker.get(part) for part in ("engine", "engine_version", "instruction_set")] for maker in record.makers]
    engines = [_clean(" ".join(map(str, three))) if all(three) else None for three in parts]
    makers = [
        _clean(", ".join(filter(None, (engine, *(f"{part} {maker.get(part)}" for part in ("torch", "code", "host"))))))
        for engine, maker in zip(engines, record.makers, strict=True)
    ]
    columns: dict[str, list[Any]] = {
        "trial_id": [record.spec.trial_id] * length,
        "epoch": [row["epoch"] for row in rows],
        "made_by": [makers[row["maker"]] for row in rows],
    }
    for name in (*MEASURES, "seconds", "time"):  # Null and absent numbers become NaN.
        columns[name] = [math.nan if (value := row.get(name)) is None else float(value) for row in rows]
    known = record.status if record.status in ENDED_BY_ITSELF else "unfinished"  # To the worker.
    content = record.spec.as_dict()
    trial = {
        **{name: content.get(name) for name in TRIALS},
        "further": content.get("further", {}),
        "recipe": None if record.spec.recipe is None else str(record.spec.recipe),
        "status": known if outcome is None else outcome.status,
        "epoch": length,
        **{name: columns[name][-1] if length else math.nan for name in MEASURES},
        "engine": engines[rows[-1]["maker"]] if length else None,
        "seconds": math.fsum(second for second in columns["seconds"] if second == second),
        "error": None if record.error is None else _clean(record.error),
        "predictions": record.predictions,
    }
    return trial, columns


def _find_reason(error: BaseException) -> str:
    """One line that says what was wrong with a file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(f"{type(error).__name__}: {error}".split())
