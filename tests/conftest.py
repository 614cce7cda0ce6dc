"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

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
