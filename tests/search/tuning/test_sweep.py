"""A sweep is complete when the records say so, whatever Tune believes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from search.cluster.resources import Resources
from search.datasets import find_dataset
from search.errors import Halted
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.training.engines import EngineChoice
from search.tuning import phases
from search.tuning.jobs import Job
from search.tuning.policy import Policy
from search.tuning.sweep import list_trials, plan_sweep
from spaces import SPACES, TrialSpec
from spaces.specs.run import RunSpec


@pytest.fixture
def spec() -> RunSpec:
    space = SPACES["table-1.2"].describe()
    digits = find_dataset("digits").data_hash
    return RunSpec("digits", digits, 16, 0, 0, ("conv", "invariant"), space=space, search="grid", samples=2)


def rounds(monkeypatch: pytest.MonkeyPatch, *ends: int) -> list[list[str]]:
    """Has each round of Tune end so many trials and then claim to be done; returns what they had to do."""

    @contextmanager
    def session(*_: Any) -> Iterator[int]:
        yield 1

    todo: list[list[str]] = []

    def execute(job: Job, *_: Any) -> None:
        feed: Any = job.searcher
        left = [TrialSpec.from_dict(feed.suggest(str(n))["trial"]) for n in range(len(feed._trials))]
        todo.append([trial.trial_id for trial in left])
        assert len(job.recorded()) == sum(ends[: len(todo) - 1])
        for trial in left[: ends[len(todo) - 1]]:
            folder = TrialFolder(job.run.path, trial, job.run.guard)
            folder.fail("x")
            folder.decide("failed", 0)

    monkeypatch.setattr(phases, "ray_session", session)
    monkeypatch.setattr(phases, "execute", execute)
    return todo


def sweep(run: RunFolder, spec: RunSpec) -> None:
    phases.train_phase(plan_sweep(run, spec), run, spec, Resources(), Policy(), EngineChoice())


def test_what_tune_left_out_is_done_in_another_round(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: RunSpec
) -> None:
    run, todo = RunFolder(tmp_path), rounds(monkeypatch, 1, 2, 1)
    every = [trial.trial_id for trial in list_trials(spec)]
    with run.driven(spec):
        sweep(run, spec)
        assert todo == [every, every[1:], every[3:]]
        sweep(run, spec)
    assert len(todo) == 3  # Nothing was left.


def test_the_engine_is_chosen_for_all_that_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: RunSpec
) -> None:
    """Also for what an earlier command asked for; or what cannot be a pack would be handed out as one."""
    rounds(monkeypatch, 4)
    chosen: list[list[str]] = []

    def choose(spec: RunSpec, resources: Resources, names: list[str]) -> EngineChoice:
        chosen.append(names)
        return EngineChoice()

    monkeypatch.setattr(phases, "choose_engine", choose)
    run = RunFolder(tmp_path)
    with run.driven(spec):
        sweep(run, spec)
    assert chosen == [["conv", "invariant"]]


def test_what_ends_a_round_early_ends_the_sweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: RunSpec) -> None:
    def execute(*_: Any) -> None:
        raise Halted("Ray Tune ended before any trial did")

    rounds(monkeypatch)
    monkeypatch.setattr(phases, "execute", execute)
    run = RunFolder(tmp_path)
    with pytest.raises(Halted, match="before any trial"), run.driven(spec):
        sweep(run, spec)
