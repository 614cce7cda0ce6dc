"""What a rerun has left to do, by the records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from search.cluster.resources import Resources
from search.datasets import find_dataset
from search.storage import trial_folder
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.training.engines import EngineChoice
from search.tuning import phases
from search.tuning.feed import InTurn
from search.tuning.jobs import Job
from search.tuning.policy import Policy
from search.tuning.rerun import plan_rerun
from spaces import Hyperparameters
from spaces.specs.run import RunSpec

THETA = Hyperparameters(0.05, 0.5, 1e-4, 1.0)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the trials that a rerun asked Tune for, which runs none."""
    found: list[str] = []

    @contextmanager
    def session(*_: Any) -> Iterator[int]:
        yield 1

    def execute(job: Job, *_: Any) -> None:
        while isinstance(config := cast(InTurn, job.searcher).suggest(""), dict):
            found.append(config["trial"]["trial_id"])
        raise KeyboardInterrupt

    monkeypatch.setattr(phases, "ray_session", session)
    monkeypatch.setattr(phases, "execute", execute)
    return found


def of_seeds(count: int) -> RunSpec:
    data = find_dataset("digits")
    common = (data.name, data.data_hash, data.batch_size, 0, 0, ("conv",))
    return RunSpec(*common, thetas={"conv": THETA.as_dict()}, rerun_seeds=count, rerun_epochs=1)


def test_what_has_no_outcome_is_left(tmp_path: Path, left: list[str]) -> None:
    run, spec = RunFolder(tmp_path / "run"), of_seeds(4)
    trials = spec.list_rerun_trials("conv", THETA)
    with run.driven(spec):
        for trial in trials[:3]:
            TrialFolder(run.path, trial).fail("for the test")
        for trial in trials[:2]:
            TrialFolder(run.path, trial).decide("failed", 0)
        with pytest.raises(KeyboardInterrupt):
            phases.train_phase(plan_rerun(run, spec), run, spec, Resources(), Policy(), EngineChoice())
    assert left == [trial.trial_id for trial in trials[2:]]


def test_failures_of_an_earlier_incumbent_do_not_count(tmp_path: Path) -> None:
    run, spec = RunFolder(tmp_path / "run"), of_seeds(2)
    with run.driven(spec):
        for theta in (THETA, Hyperparameters(0.5, 0.5, 1e-4, 1.0)):
            failed = TrialFolder(run.path, spec.list_rerun_trials("conv", theta)[0])
            failed.fail("for the test")
            failed.decide("failed", 0)
        assert len(run.list_recorded("rerun")) == 2
        assert plan_rerun(run, spec).count_failures() == 1


def test_nothing_is_read_of_trials_that_have_not_begun(
    tmp_path: Path, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look for the files of each of 100,000 seeds took over a minute, in silence."""
    run, spec = RunFolder(tmp_path / "run"), of_seeds(40)
    with run.driven(spec):
        monkeypatch.setattr(trial_folder, "read_record", lambda path: pytest.fail(f"{path} was looked for"))
        with pytest.raises(KeyboardInterrupt):
            phases.train_phase(plan_rerun(run, spec), run, spec, Resources(), Policy(), EngineChoice())
    assert len(left) == 40
