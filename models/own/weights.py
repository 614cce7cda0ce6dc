"""Which parameters of the user's modules are weights, and how a gain scales them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)


def list_weights(module: nn.Module) -> Iterator[nn.Parameter]:
    """Learned parameters but for biases and those of normalisation, each once."""
    seen: set[int] = set()
    for part in module.modules():
        if isinstance(part, NORMS):
            continue
        for name, parameter in part.named_parameters(recurse=False):
            if parameter.requires_grad and not name.endswith("bias") and id(parameter) not in seen:
                seen.add(id(parameter))
                yield parameter


@torch.no_grad()
def scale_weights(module: nn.Module, gain: float) -> None:
    """Multiplies weights of two or more dimensions, in place: kernels and matrices, not biases, scales or norms."""
    for weight in list_weights(module):
        if weight.dim() >= 2:
            weight.mul_(gain)
