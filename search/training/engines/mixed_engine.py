"""The mixed engine: torch in mixed precision, on GPUs only."""

from __future__ import annotations

from typing import Any

import torch

from search.training.engines.base import Problem
from search.training.engines.torch_engine import TorchEngine


def choose_half_type(device: torch.device) -> torch.dtype:
    """The type of 16 bits that the device is fast with: bfloat16, or float16 on GPUs that lack it."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


class MixedEngine(TorchEngine):
    """Convolutions and matrix products in 16 bits; weights, sums, wavelet magnitudes and the loss in 32.

    The gradients of float16 would underflow, so the loss is scaled up for them, by a factor that adapts and belongs
    to the checkpoint.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._half = choose_half_type(problem.device)
        self._scaler = torch.amp.GradScaler(problem.device.type, enabled=self._half is torch.float16)

    def _compute_scores(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self._problem.device.type, self._half):
            return self._network(x)

    def _step(self, loss: torch.Tensor) -> None:
        self._scaler.scale(loss).backward()
        self._scaler.step(self._optimiser)
        self._scaler.update()

    def state(self) -> dict[str, Any]:
        """The factor of the loss and what it adapts by; nothing for bfloat16."""
        return {"scaler": self._scaler.state_dict()} if self._scaler.is_enabled() else {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Where the checkpoint is of another engine, and has no factor, it starts afresh."""
        if self._scaler.is_enabled() and "scaler" in state:
            self._scaler.load_state_dict(state["scaler"])

    def identity(self) -> dict[str, str]:
        """With the type, since GPUs differ in it."""
        half = str(self._half).removeprefix("torch.")
        return super().identity() | {"engine": "mixed", "instruction_set": f"{self._problem.device.type} {half}"}
