"""A small run on digits, trained without Ray: a sweep of two configurations of two networks, then reruns."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from search.datasets import find_dataset, load_split
from search.storage import checkpoint
from search.storage.provenance import describe_maker
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.training.loop import Training, make_repeatable
from spaces import SPACES, Hyperparameters, TrialSpec
from spaces.specs.run import RunSpec
from tests.search.datasets.conftest import fake, good, serve  # noqa: F401 - fixtures of the data command's tests.

BEST = Hyperparameters(lr=0.05, momentum=0.5, weight_decay=1e-4, gain=1.0)
OTHER = Hyperparameters(lr=0.001, momentum=0.0, weight_decay=1e-4, gain=1.0)
EPOCHS = 1


class Small(NamedTuple):
    """A finished run.

    Attributes:
        path: its folder.
        spec: what was asked for.
        engine: what trained it.
    """

    path: Path
    spec: RunSpec
    engine: str


def train(run: RunFolder, spec: TrialSpec, engine: str, keep: bool = False) -> None:
    """As a worker and the driver do, one after the other."""
    folder = TrialFolder(run.path, spec, run.guard)
    training = Training(spec, load_split(find_dataset(spec.dataset), spec.phase, spec.split_seed), "cpu", engine)
    folder.open()
    for _ in range(EPOCHS):
        epoch = training.run_epoch()
        folder.commit(
            epoch.make_row(spec.phase),
            "running",
            describe_maker("cpu") | training.engine.describe(),
            lambda path, record: checkpoint.save(path, training.capture_state(), record),
        )
    folder.decide("completed", EPOCHS, keep)
    folder.close()


def spec_of(architectures: tuple[str, ...], seeds: int | None) -> RunSpec:
    data = find_dataset("digits")
    return RunSpec(
        data.name,
        data.data_hash,
        data.batch_size,
        0,
        0,
        architectures,
        space=SPACES["table-1.2"].describe(),
        search="grid",
        samples=2,
        grace_period=EPOCHS,
        max_epochs=EPOCHS,
        rerun_seeds=seeds,
        rerun_epochs=None if seeds is None else EPOCHS,
    )


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Two networks, swept and rerun on two seeds; conv's checkpoints are kept, invariant's are not."""
    run = RunFolder(tmp_path_factory.mktemp("runs") / "small")
    make_repeatable("cpu", 1)
    spec = spec_of(("conv", "invariant"), 2)
    with run.driven(spec):
        for name in spec.architectures:
            for trial in [
                spec.sweep_trial(name, BEST),
                spec.sweep_trial(name, OTHER),
                *spec.list_rerun_trials(name, BEST),
            ]:
                train(run, trial, "auto", keep=name == "conv")
    return Small(run.path, spec, "auto")


@pytest.fixture
def swept(tmp_path: Path) -> Small:
    """One network, swept and not rerun; no checkpoint was kept."""
    run = RunFolder(tmp_path / "swept")
    make_repeatable("cpu", 1)
    spec = spec_of(("conv",), None)
    with run.driven(spec):
        for theta in (BEST, OTHER):
            train(run, spec.sweep_trial("conv", theta), "torch")
    return Small(run.path, spec, "torch")
