"""A linear map that is not learned: the ``project`` layer of Table 1.1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.initial import glorot_uniform


class FixedLinear(nn.Module):
    """y = W x with W drawn once; its bias is zero and not learned either, so there is none.

    Attributes:
        weight: (out, in), a buffer: in checkpoints, but not among the parameters.
    """

    weight: Tensor

    def __init__(self, in_features: int, out_features: int, *, gain: float, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("weight", glorot_uniform((out_features, in_features), gain, generator))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, in) to (N, out)."""
        return F.linear(x, self.weight)
