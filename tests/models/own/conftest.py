"""Files of a user's, and the architectures that are registered from them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from models.own import OwnArchitecture, Reference, register

LAYER = """
    import torch
    from torch import nn

    class Mine(nn.Module):
        def __init__(self, in_channels, out_channels, kernel=3):
            super().__init__()
            self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)

        def forward(self, x):
            return self.conv(x)
    """


@pytest.fixture(autouse=True)
def registered(registered: dict[str, OwnArchitecture]) -> dict[str, OwnArchitecture]:
    """For every test here."""
    return registered


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file, by default with a layer."""

    def write(code: str = LAYER, name: str = "my_layer.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code), encoding="utf-8")
        return path

    return write


@pytest.fixture
def add(write: Callable[..., Path]) -> Callable[..., OwnArchitecture]:
    """Writes a file and registers what it holds."""

    def add(code: str = LAYER, name: str = "Mine") -> OwnArchitecture:
        return register(Reference.parse(f"{write(code)}:{name}"))

    return add
