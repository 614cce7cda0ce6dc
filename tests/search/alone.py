"""What the trials of a sweep come to in this process, without Ray: what every sweep has to equal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from models.own import REGISTERED
from search.datasets import Split, find_dataset, load_split
from search.storage.sources import load_kept
from search.training.loop import Training
from search.tuning.sweep import list_trials
from spaces import TrialSpec
from spaces.files.sealed import read_sealed
from spaces.specs.run import RunSpec

CLOCK = ("seconds", "time", "maker")  # What of a row another process may do differently.
Rows = list[dict[str, Any]]
_trained: dict[tuple[str, int], Rows] = {}  # Many tests ask for the same trials.


def read_records(run: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_bytes()) for path in run.glob("trials/*/record.json")}


def read_rows(run: Path) -> dict[str, Rows]:
    """Each trial's epochs and metrics; not the clock's numbers."""
    return {name: [_metrics(row) for row in record["rows"]] for name, record in read_records(run).items()}


def train_alone(run: Path) -> dict[str, Rows]:
    """The same of all trials of a sweep, each trained to its end by the training loop alone.

    Args:
        run: says what the sweep is; of its records only those of TPE are read, for what it has proposed.
    """
    sealed = read_sealed(run / "spec.json")
    assert sealed is not None, run
    spec = RunSpec.from_dict(sealed)
    split = load_split(find_dataset(spec.dataset, spec.data_hash, spec.data_source), "sweep", spec.split_seed)
    proposed = (TrialSpec.from_dict(record["trial"]) for record in read_records(run).values())
    with _one_thread(), patch.dict(REGISTERED):  # What only reads must not find the user's files imported already.
        load_kept(run, spec.own)
        return {
            trial.trial_id: _train(trial, split, spec.max_epochs)
            for trial in (proposed if spec.search == "tpe" else list_trials(spec))
        }


def _train(trial: TrialSpec, split: Split, epochs: int) -> Rows:
    key = (trial.trial_id, epochs)
    if key not in _trained:
        training, rows = Training(trial, split), []
        for _ in range(epochs):
            epoch = training.run_epoch()
            rows.append(_metrics(epoch.make_row(trial.phase)))
            if epoch.diverged:
                break
        _trained[key] = rows
    return _trained[key]


def _metrics(row: dict[str, Any]) -> dict[str, Any]:
    """As a file holds them, with None for what is no number."""
    return {name: None if value != value else value for name, value in row.items() if name not in CLOCK}


@contextmanager
def _one_thread() -> Iterator[None]:
    """As a worker has by default; the order of sums depends on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
