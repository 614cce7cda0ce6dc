"""The reader of a run folder: plain files in, two tables out.

Analysis reads nothing else. A record that cannot be read, or that contradicts itself, is reported
in ``Run.damaged`` and left out, so one bad file among thousands never hides the others.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.records.schema import EPOCHS, MEASURES, TRIALS, frame_of
from spaces.common.errors import UserError, quoted
from spaces.common.fields import NAME
from spaces.common.wording import command
from spaces.files.sealed import ASIDE, read_sealed
from spaces.specs.trial import TrialSpec

FORMAT = 2  # Of spec, records and outcomes.
ENDED = ("completed", "stopped", "diverged", "failed")
STATUSES = (*ENDED, "unfinished")
# What reading and taking apart an arbitrary JSON file can raise.
UNREADABLE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError, UserError)
MAX_INTEGER = 2**63 - 1  # The integers of pandas.

Trial = tuple[dict[str, Any], dict[str, list[Any]]]  # Its row of the trials, its columns of the epochs.


def _count(value: Any) -> bool:
    return value is None or (type(value) is int and 0 < value <= MAX_INTEGER)


def _names(value: Any) -> bool:
    """Architectures: some, each named as a file may be named, none twice."""
    listed = isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)
    return listed and len(set(value)) == len(value) and all(NAME.allows(name) for name in value)


SOUND: dict[str, Callable[[Any], bool]] = {
    "dataset": NAME.allows,
    "architectures": _names,
    **dict.fromkeys(("samples", "max_epochs", "rerun_seeds", "rerun_epochs", "grace_period", "classes"), _count),
    "scheduler": lambda value: value is None or isinstance(value, str),
    "reduction_factor": lambda value: value is None or (type(value) in (int, float) and 1 < value < MAX_INTEGER),
}
"""What analysis relies on in a spec: field -> whether a value is sound."""


@dataclass(frozen=True, eq=False)
class Run:
    """A run folder, read.

    Attributes:
        path: the folder.
        spec: the content of spec.json.
        costs: the content of costs.json: architecture -> its layers' costs; empty where there is none.
        trials: one row per trial, ordered by trial_id; its columns are ``schema.TRIALS``.
        epochs: one row per trial and epoch; its columns are ``schema.EPOCHS``.
        damaged: (file, reason) of everything that could not be read.
    """

    path: Path
    spec: dict[str, Any]
    costs: dict[str, list[dict[str, Any]]]
    trials: pd.DataFrame
    epochs: pd.DataFrame
    damaged: list[tuple[Path, str]]


def read_run(path: str | Path) -> Run:
    """Reads a run folder, also while the run goes on.

    Raises:
        UserError: not a run folder, or its spec.json cannot be read.
    """
    path = Path(path)
    return assembled(path, {folder: attempt(folder) for folder in trial_folders(path)})


def attempt(folder: str) -> Trial | str | None:
    """Reads one trial's folder; a text says in one line what is wrong with it, None that it has no record yet."""
    try:
        return _read_trial(folder)
    except UNREADABLE as error:
        return _reason(error)


def assembled(path: Path, found: Mapping[str, Trial | str | None]) -> Run:
    """Makes a run of its trials, which ``attempt`` read, in the order in which they are given.

    Raises:
        UserError: not a run folder, or its spec.json cannot be read.
    """
    spec = _read_spec(path)
    damaged: list[tuple[Path, str]] = []
    costs: dict[str, list[dict[str, Any]]] = {}
    try:
        costs = _read_costs(path / "costs.json")
    except UNREADABLE as error:
        damaged.append((path / "costs.json", _reason(error)))

    trials: dict[str, list[Any]] = {name: [] for name in TRIALS}
    epochs: dict[str, list[Any]] = {name: [] for name in EPOCHS}
    for folder, read in found.items():
        if isinstance(read, str):
            damaged.append((Path(folder), read))
        elif read is not None:
            for name, value in read[0].items():
                trials[name].append(value)
            for name, values in read[1].items():
                epochs[name].extend(values)
    return Run(path, spec, costs, frame_of(TRIALS, trials), frame_of(EPOCHS, epochs), damaged)


def _read_spec(path: Path) -> dict[str, Any]:
    where = path / "spec.json"
    try:
        spec = read_sealed(where)
    except (FileNotFoundError, NotADirectoryError):
        if (path / "trials").is_dir():
            raise UserError(f"{where}: not there, {_mend(path)}") from None
        raise UserError(f"{path}: not a run folder (no spec.json); give the --out of a sweep or train") from None
    except UNREADABLE as error:
        raise UserError(f"{where}: cannot be read: {_reason(error)}; {_mend(path)}") from None
    if spec.get("format") != FORMAT:
        raise UserError(f"{where}: format {quoted(spec.get('format'))} is unknown; this version reads format {FORMAT}")
    wrong = next((name for name, sound in SOUND.items() if not sound(spec.get(name))), None)
    if wrong is not None:
        raise UserError(
            f"{where}: {wrong}: {quoted(spec.get(wrong))} is not that of a run; restore it or give another run folder"
        )
    return spec


def _mend(path: Path) -> str:
    return f"{command('invsearch', 'check', path, '--repair')} restores it"


def _read_costs(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.exists():
        return {}
    costs = read_sealed(path)
    for layer in (layer for layers in costs.values() for layer in layers):
        if type(layer["kind"]) is not str or not all(
            type(layer[count]) is int and 0 <= layer[count] <= MAX_INTEGER
            for count in ("params", "mults", "transform_mults")
        ):
            raise ValueError(f"not a layer's costs: {quoted(layer)}")
    return costs


def trial_folders(run: Path) -> Iterator[str]:
    """A run's trial folders by name, so that no result depends on the order of a directory."""
    trials = run / "trials"
    try:
        with os.scandir(trials) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir() and not ignored(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (os.path.join(trials, name) for name in names)


def ignored(name: str) -> bool:
    """Whether a file or folder of a run is hidden or was set aside as damaged."""
    return name.startswith(".") or ASIDE in name


def _engine(maker: dict[str, Any]) -> str | None:
    parts = [maker.get(part) for part in ("engine", "engine_version", "instruction_set")]
    return " ".join(map(str, parts)).encode("utf-8", "replace").decode() if all(parts) else None


def _made_by(maker: dict[str, Any]) -> str:
    parts = [_engine(maker), *(f"{name} {maker.get(name)}" for name in ("torch", "code", "host"))]
    return ", ".join(part for part in parts if part).encode("utf-8", "replace").decode()


def _read_trial(folder: str) -> Trial | None:
    """Reads one trial: its row of the trials and its columns of the epochs; None before its first commit."""
    try:  # Outcome first: it is written last, so a trial that ends meanwhile has a record at least as new.
        outcome = read_sealed(os.path.join(folder, "verdict.json"))
    except FileNotFoundError:
        outcome = None
    try:
        record = read_sealed(os.path.join(folder, "record.json"))
    except FileNotFoundError:
        if outcome is None:
            return None
        raise ValueError("an outcome without a record") from None
    if record.get("format") != FORMAT:
        raise ValueError(f"format {quoted(record.get('format'))} is unknown")
    spec = TrialSpec.from_dict(record["trial"])
    trial_id = record["trial"]["trial_id"]  # from_dict compared it with the content.
    if trial_id != os.path.basename(folder):
        raise ValueError(f"the record belongs to {trial_id}")
    for number in (spec.seed, spec.batch_size, spec.split_seed or 0):
        if type(number) is not int or abs(number) > MAX_INTEGER:
            raise ValueError(f"{quoted(number)} is not a seed or batch size")
    for text in (spec.architecture, spec.dataset, spec.data_hash):
        text.encode()  # AttributeError on other types, UnicodeEncodeError on half characters.
    columns = _epoch_columns(record["rows"])
    length = len(columns["epoch"])
    makers = record["makers"]
    made_by = [_made_by(maker) for maker in makers]
    if any(row["maker"] < 0 for row in record["rows"]):
        raise ValueError("a row of an unknown maker")
    columns["made_by"] = [made_by[row["maker"]] for row in record["rows"]]
    error = record["error"]
    trial = {
        **{name: value for name, value in record["trial"].items() if name in TRIALS},
        "config_id": spec.config_id,  # Also of a record whose id has the earlier form.
        **spec.theta.as_dict(),
        "recipe": None if spec.recipe is None else str(spec.recipe),
        "status": _status(record, outcome),
        "epoch": length,
        **{name: columns[name][-1] if length else math.nan for name in MEASURES},
        "engine": _engine(makers[record["rows"][-1]["maker"]]) if length else None,
        "seconds": math.fsum(second for second in columns["seconds"] if second == second),
        "error": None if error is None else str(error).encode("utf-8", "replace").decode(),
    }
    return trial, {"trial_id": [trial_id] * length, **columns}


def _status(record: dict[str, Any], outcome: dict[str, Any] | None) -> str:
    """The driver's outcome, else what the worker knew, else unfinished."""
    if outcome is not None:
        if outcome.get("status") not in ENDED:
            raise ValueError(f"outcome: status {quoted(outcome.get('status'))} is unknown")
        return outcome["status"]
    return record["status"] if record["status"] in ("diverged", "failed") else "unfinished"


def _epoch_columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Turns a record's rows into columns; null and absent numbers become NaN."""
    epochs = [row["epoch"] for row in rows]
    if epochs != list(range(1, len(rows) + 1)):
        raise ValueError(f"epochs are {quoted(epochs)}, not 1, 2, 3 and so on")
    columns: dict[str, list[Any]] = {"epoch": epochs}
    for name in EPOCHS:
        if name not in ("trial_id", "epoch", "made_by"):
            values = [row.get(name) for row in rows]
            columns[name] = [math.nan if value is None else value + 0.0 for value in values]  # TypeError on text
    for name in ("val_accuracy", "test_accuracy"):
        wrong = [value for value in columns[name] if value < 0.0 or value > 1.0]
        if wrong:
            raise ValueError(f"{name} {wrong[0]:g} is not a fraction")
    return columns


def _reason(error: BaseException) -> str:
    """One line that says what was wrong with a file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(f"{type(error).__name__}: {error}".split())
