"""Initial weights, Glorot uniform with a gain (equation 1.5.1), and the linear map that keeps them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def draw_glorot(shape: Sequence[int], gain: float, generator: torch.Generator) -> Tensor:
    """Draws weights from U[-a b, a b], b = sqrt(6 / ((C_in + C_out) * kernel area)), a the gain.

    The draw itself does not depend on the gain, it is only scaled by it: trials that share a seed compare
    gains on the same random numbers.

    Args:
        shape: (C_out, C_in) or (C_out, C_in, kernel height, kernel width).
        gain: a of equation 1.5.1.
        generator: where the random numbers come from; the global generator is never touched.
    """
    out_channels, in_channels, *kernel = shape
    bound = math.sqrt(6 / ((in_channels + out_channels) * math.prod(kernel)))
    unit = 2 * torch.rand(shape, generator=generator, device=generator.device) - 1
    return unit * bound * gain


class FixedLinear(nn.Module):
    """The ``project`` layer of Table 1.1, y = W x with W drawn once; its bias is zero and not learned: there is none.

    Attributes:
        weight: (out, in), a buffer: in checkpoints, but not among the parameters.
    """

    weight: Tensor

    def __init__(self, in_features: int, out_features: int, *, gain: float, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("weight", draw_glorot((out_features, in_features), gain, generator))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, in) to (N, out)."""
        return F.linear(x, self.weight)
