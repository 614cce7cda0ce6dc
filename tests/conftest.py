"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.plugin import pace_epochs

if TYPE_CHECKING:
    from models.own import OwnArchitecture

# The machines are shared and noisy: an example that took long says nothing about the code. And each run tries the same
# examples, so that a failure is due to the last change.
settings.register_profile("any-machine", deadline=None, derandomize=True)
settings.load_profile("any-machine")


@pytest.fixture
def registered() -> Iterator[dict[str, OwnArchitecture]]:
    """The user's own architectures that are known; they are the same again after the test."""
    from models.own import REGISTERED  # Imports torch, which most tests of spaces and analysis do without.

    before = dict(REGISTERED)
    yield REGISTERED
    REGISTERED.clear()
    REGISTERED.update(before)


@pytest.fixture
def paced(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps that are started in the test are no faster than about 20 epochs a second and worker."""
    folder = tmp_path_factory.mktemp("paced")
    pace_epochs(folder)
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{Path(__file__).resolve().parents[1]}")
