"""Small trials for the tests of the search package."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.datasets import Split
from search.training.engines import ENGINES, EngineChoice
from spaces import Hyperparameters, TrialSpec

THETA = Hyperparameters(lr=0.05, momentum=0.5, weight_decay=1e-4, gain=1.0)


@pytest.fixture(scope="session")
def split() -> Split:
    """Images whose class can be learned: class k is bright in row k."""
    rng = np.random.default_rng(0)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(0, 10, count)
        images = rng.normal(0, 0.3, (count, 1, 28, 28)).astype(np.float32)
        images[np.arange(count), 0, 2 * labels + 4] += 2
        return images, labels

    return Split(*part(70), *part(40))


@pytest.fixture
def trial() -> TrialSpec:
    return TrialSpec("sweep", "conv", "digits", "0" * 16, THETA, 0, 0, 16)


@pytest.fixture
def diverging(trial: TrialSpec) -> TrialSpec:
    """A trial whose loss is not finite after a step or two."""
    return replace(trial, theta=Hyperparameters(lr=1e30, momentum=0.9, weight_decay=0.0, gain=1.0))


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that works on this machine."""
    if request.param == "mixed":
        pytest.skip("mixed precision is for GPUs")
    if request.param == "native" and (reason := EngineChoice().explain_not_native()):
        pytest.skip(reason)
    return request.param
