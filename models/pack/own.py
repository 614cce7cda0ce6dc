"""The user's own layers and networks over lanes: mapped by ``torch.vmap``, each with its weights and buffers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from models.own.layers import OwnPart


def apply_own(layer: OwnPart, module: nn.Module, state: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """What the user's module makes of each lane's input, which it gets in torch's usual layout.

    Args:
        layer: of the description.
        module: any lane's; what is neither parameter nor buffer is taken from it for all lanes.
        state: parameters and buffers (P, ..), by their names in the module.
        x: (P, C, H, W, N), or (C, H, W, N) where all lanes see the same input.

    Returns:
        (P, C, H, W, N), or (P, classes, N).

    Raises:
        RuntimeError: the module cannot be mapped: it draws, changes a buffer, or branches on what it computes.
    """
    images, shared = x.movedim(-1, -4).contiguous(), x.dim() == 4

    def compute(own: dict[str, Tensor], batch: Tensor) -> Tensor:
        return functional_call(module, own, (batch,))

    return torch.vmap(compute, in_dims=(0, None if shared else 0))(dict(state), images).movedim(1, -1)
