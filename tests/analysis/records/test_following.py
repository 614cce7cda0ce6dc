"""The follower returns what the reader returns, without reading again what has not changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.records import following
from analysis.records.following import Follower
from analysis.records.reader import Run, read_run
from spaces import Hyperparameters
from spaces.files.sealed import seal


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the trial folders that were read."""
    names: list[str] = []
    attempt = following.attempt
    monkeypatch.setattr(following, "attempt", lambda folder: names.append(Path(folder).name) or attempt(folder))
    return names


def same(one: Run, other: Run) -> bool:
    pd.testing.assert_frame_equal(one.trials, other.trials)
    pd.testing.assert_frame_equal(one.epochs, other.epochs)
    return (one.spec, one.costs, one.damaged) == (other.spec, other.costs, other.damaged)


def test_only_what_changed_is_read(full: Any, reads: list[str]) -> None:
    path = full.write()
    follower = Follower(path)
    first = follower.read()
    assert same(first, read_run(path))
    assert len(reads) == len(full.trials) == 14
    reads.clear()
    assert follower.read() is first
    assert reads == []
    added = full.sweep("conv", [0.5], None, theta=Hyperparameters(0.2, 0, 1e-4, 2))
    write_atomically(path, added, full)
    assert same(follower.read(), read_run(path))
    assert reads == [added]


def test_an_outcome_is_a_change(folder: Any, reads: list[str]) -> None:
    trial = folder.sweep("conv", [0.5], None)
    path = folder.write()
    follower = Follower(path)
    assert list(follower.read().trials["status"]) == ["unfinished"]
    folder.trials.clear()
    folder.sweep("conv", [0.5], "stopped")
    write_atomically(path, trial, folder)
    assert list(follower.read().trials["status"]) == ["stopped"]


def test_a_trial_that_went_away_is_forgotten(full: Any) -> None:
    path = full.write()
    follower = Follower(path)
    follower.read()
    gone = sorted((path / "trials").iterdir())[0]
    gone.rename(path / "elsewhere")
    assert same(follower.read(), read_run(path))


def test_what_is_damaged_is_tried_again(folder: Any, reads: list[str]) -> None:
    trial = folder.sweep("conv", [0.5], "stopped")
    path = folder.write()
    record = path / "trials" / trial / "record.json"
    content = record.read_bytes()
    record.write_bytes(content[:-9])
    follower = Follower(path)
    assert [where.name for where, _ in follower.read().damaged] == [trial]
    follower.read()
    assert reads == [trial] * 2
    record.write_bytes(content)
    assert follower.read().damaged == []


def test_a_new_spec_is_a_change(folder: Any) -> None:
    path = folder.write()
    follower = Follower(path)
    follower.read()
    (path / "spec.json").write_bytes(seal(folder.spec | {"samples": 300}))
    assert follower.read().spec["samples"] == 300


def write_atomically(path: Path, trial: str, folder: Any) -> None:
    """As invsearch does: a new file takes the place of the old one."""
    for spec, record, outcome in folder.trials:
        if spec.trial_id == trial:
            (path / "trials" / trial).mkdir(exist_ok=True)
            for name, content in (("record.json", record), ("verdict.json", outcome)):
                if content:
                    (path / "draft").write_bytes(seal(content))
                    (path / "draft").rename(path / "trials" / trial / name)
