"""A trial on record that grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from search.loggers import Recorded
from spaces import TrialSpec


def row(epoch: int) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "train_loss": 1.0 / epoch,
        "val_loss": 0.5 / epoch,
        "val_accuracy": 1.0 - 0.5**epoch,  # Exact in 32 bits too.
        "seconds": 1.0,
        "time": 1.79e9 + epoch,
        "maker": 0,
    }


@pytest.fixture
def grown(trial: TrialSpec) -> Callable[..., Recorded]:
    """The trial after so many epochs."""
    return lambda epochs, status=None: Recorded(trial, [row(epoch) for epoch in range(1, epochs + 1)], status)
