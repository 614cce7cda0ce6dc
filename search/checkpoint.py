"""Checkpoints: written atomically, read without unpickling code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from search.files import write_atomically


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes a training state so that the file is there whole or not at all."""
    write_atomically(path, lambda stream: torch.save(state, stream))


def load(path: Path, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Reads a training state; only tensors and plain data are accepted (``weights_only``).

    Raises:
        OSError: no such file.
        RuntimeError: damaged, or not a checkpoint.
        pickle.UnpicklingError: holds anything but tensors and plain data.
    """
    return torch.load(path, map_location=device, weights_only=True)
