"""Small data of one's own, and a data folder of its own for each test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets.own import seen


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; files that a test has just made count as settled."""
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(seen, "SETTLED", -1.0)
    return tmp_path / "cache"


@pytest.fixture
def arrays() -> dict[str, Any]:
    """Images (N, 9, 8) of three classes, 30 to train and 12 to test."""
    draw = np.random.default_rng(3)
    return {
        "x_train": draw.integers(0, 256, (30, 9, 8), np.uint8),
        "y_train": np.arange(30) % 3,
        "x_test": draw.integers(0, 256, (12, 9, 8), np.uint8),
        "y_test": np.arange(12) % 3,
    }
