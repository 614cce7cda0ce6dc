"""What an engine is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from models.description import Description
from search.datasets.split import Split
from spaces import TrialSpec


@dataclass(frozen=True)
class Problem:
    """What an engine works on.

    The weights live in the network and the momentum in the optimiser, whatever the engine, so checkpoints fit all.

    Attributes:
        spec: the trial.
        split: images (N, C, H, W) and labels (N,).
        description: what the network was built from.
        network: the torch network; an engine may change its memory layout.
        optimiser: SGD over its learned parameters; the training sets its learning rate before each epoch.
        device: where the network is.
    """

    spec: TrialSpec
    split: Split
    description: Description
    network: nn.Sequential
    optimiser: torch.optim.SGD
    device: torch.device


def align_momentum(optimiser: torch.optim.SGD) -> None:
    """Lays every momentum buffer out in memory as its parameter is.

    A checkpoint of another engine brings its own layout, and what is fast (torch's fused SGD, the native engine) goes
    through both arrays as they lie in memory.
    """
    for parameter, state in optimiser.state.items():
        buffer = state.get("momentum_buffer")
        if buffer is not None and buffer.stride() != parameter.stride():
            state["momentum_buffer"] = torch.empty_like(parameter).copy_(buffer)


class Engine(ABC):
    """Trains and judges a network; made once for each training."""

    @abstractmethod
    def __init__(self, problem: Problem) -> None:
        """Takes a problem whose weights may still be loaded from a checkpoint."""

    @abstractmethod
    def train(self, order: torch.Tensor, epoch: int = 1) -> float:
        """One pass of SGD over the training images in the given order.

        Args:
            order: numbers of the images, on the CPU.
            epoch: which one it is, 1 for the first; it decides the augmentation.

        Returns:
            The mean cross entropy over the steps, while the weights changed; not finite as soon as one is not.
        """

    @abstractmethod
    def judge(self) -> tuple[float, float]:
        """Mean cross entropy and accuracy (a fraction) on the judging images."""

    @abstractmethod
    def predict(self) -> np.ndarray:
        """The class of each judging image, int64 (M,), the first of equal scores: those behind the last ``judge``."""

    def capture_state(self) -> dict[str, Any]:
        """What the next epoch depends on besides weights and optimiser, for the checkpoint; nothing by default."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:  # noqa: B027 - most engines have none.
        """Continues from what ``capture_state`` returned."""

    @abstractmethod
    def describe(self) -> dict[str, str]:
        """For the record: ``engine``, its ``instruction_set`` and its ``engine_version``."""
