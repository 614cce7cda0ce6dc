"""The learned weights of all lanes in one flat array, a row for each lane."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

ALIGNMENT = 4  # float32 numbers: matrix products load 16 bytes at once where they may.


class LaneWeights:
    """Arrays (P, n); the weight of each name is a part of one.

    Args:
        shapes: of one lane's weights, by name.
        lanes: P.
        device: where they are.

    Attributes:
        flat: (P, n) learned weights; between them a few zeros that stay.
        views: by name, (P, ..) parts of ``flat`` that autograd takes for leaves.
        gradient: (P, n), filled by ``gather_gradients``.
    """

    def __init__(self, shapes: Mapping[str, torch.Size], lanes: int, device: torch.device):
        self._places: dict[str, tuple[int, torch.Size]] = {}
        length = 0
        for name, shape in shapes.items():
            self._places[name] = length, shape
            length += -(-shape.numel() // ALIGNMENT) * ALIGNMENT
        self.flat = torch.zeros(lanes, length, device=device)
        self.gradient = torch.zeros_like(self.flat)
        self.views = {name: view.detach().requires_grad_() for name, view in self.view(self.flat).items()}
        self._gradients = list(self.view(self.gradient).values())

    def view(self, flat: Tensor) -> dict[str, Tensor]:
        """The parts (.., shape) of an array (.., n) that is laid out as ``flat``, by name."""
        return {
            name: flat[..., start : start + shape.numel()].unflatten(-1, shape) if shape else flat[..., start]
            for name, (start, shape) in self._places.items()
        }

    @torch.no_grad()
    def load(self, flat: Tensor, weights: Mapping[str, Tensor]) -> None:
        """Copies one lane's weights, or what belongs to them, into its row (n,) of an array."""
        for name, place in self.view(flat).items():
            place.copy_(weights[name])

    def gather_gradients(self, loss: Tensor) -> Tensor:
        """The gradient (P, n) of a loss that is a sum over lanes, so that each lane has its own."""
        found = torch.autograd.grad(loss, list(self.views.values()))
        for place, gradient in zip(self._gradients, found, strict=True):
            place.copy_(gradient)
        return self.gradient
