"""Which checkpoints stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search.storage.trial_folder import TrialFolder
from search.tuning.retention import Keeper
from spaces import TrialSpec


def finished(run: Path, trial: TrialSpec, seed: int, accuracy: float) -> TrialFolder:
    folder = TrialFolder(run, replace(trial, seed=seed))
    folder.open()
    row = {"epoch": 1, "val_accuracy": accuracy, "time": 0.0}
    folder.commit(row, "running", {}, lambda path, record: path.write_text(""))
    return folder


def kept(folders: list[TrialFolder]) -> list[bool]:
    return [folder.checkpoint.exists() for folder in folders]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("none", [False] * 4), ("all", [True] * 4), ("best", [False, True, False, False])],
)
def test_choices(tmp_path: Path, trial: TrialSpec, choice: str, expected: list[bool]) -> None:
    keeper = Keeper(choice, lambda phase: [])
    folders = []
    for seed, accuracy in enumerate((0.5, 0.9, 0.9, 0.7)):
        folders.append(finished(tmp_path, trial, seed, accuracy))
        folders[-1].decide("completed", 1, keeper.keeps(folders[-1], accuracy))
    assert kept(folders) == expected


@pytest.mark.parametrize(("accuracy", "expected"), [(0.9, [False, True]), (0.5, [True, False])])
def test_the_best_of_an_earlier_invocation_counts(
    tmp_path: Path, trial: TrialSpec, accuracy: float, expected: list[bool]
) -> None:
    before = finished(tmp_path, trial, 0, 0.7)
    before.decide("completed", 1, keep_checkpoint=True)
    now = finished(tmp_path, trial, 1, accuracy)
    now.decide("completed", 1, Keeper("best", lambda phase: [before, now]).keeps(now, accuracy))
    assert kept([before, now]) == expected


def test_architectures_have_a_best_each(tmp_path: Path, trial: TrialSpec) -> None:
    keeper = Keeper("best", lambda phase: [])
    one, other = finished(tmp_path, trial, 0, 0.9), finished(tmp_path, replace(trial, architecture="dct"), 0, 0.5)
    assert keeper.keeps(one, 0.9)
    assert keeper.keeps(other, 0.5)
