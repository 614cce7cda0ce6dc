"""From a network's description to the batched program of its lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from models.description import (
    Conv,
    Description,
    Invariant,
    Layer,
    MaxPool,
    Project,
    Relu,
    Reshuffle,
    Unravel,
)
from models.own.layers import OwnLayer, OwnNetwork
from models.pack.columns import make_columns
from models.pack.own import apply_own
from models.pack.pooling import pool
from models.pack.subbands import make_subbands

Weights = Mapping[str, Tensor]
"""Of one layer, by their names in its torch module, (P, ..)."""


def mix(kernel: Tensor, bias: Tensor, columns: Tensor, pixels: tuple[int, ...]) -> Tensor:
    """The kernel of every lane times its columns, or those of all lanes.

    Args:
        kernel: (P, F, ..), K numbers for each output.
        bias: (P, F).
        columns: (P, K + 1, S) or (K + 1, S), the last row ones.
        pixels: (H, W, N), S in all.

    Returns:
        (P, F, H, W, N).
    """
    weights = torch.cat([kernel.flatten(2), bias[..., None]], 2)
    if columns.dim() == 2:
        return (weights.flatten(0, 1) @ columns).unflatten(0, weights.shape[:2]).unflatten(-1, pixels)
    return torch.bmm(weights, columns).unflatten(-1, pixels)


def convolve(layer: Conv, module: nn.Module, weights: Weights, x: Tensor) -> Tensor:
    """A convolution: one matrix product with P x F outputs where all lanes see the same input."""
    return mix(weights["weight"], weights["bias"], make_columns(x, layer.kernel), x.shape[-3:])


def scatter_and_mix(layer: Invariant, module: Any, weights: Weights, x: Tensor) -> Tensor:
    """An invariant layer: z, once where all lanes see the same input, then its mixing."""
    z = make_subbands(x)
    *_, height, width, count = x.shape
    pixels = ((height + 1) // 2, (width + 1) // 2, count)
    kernel = torch.vmap(lambda learned: functional_call(module.kernel, {"A": learned}, ()))(weights["kernel.A"])
    if kernel.shape[-1] > 1:
        z = make_columns(z[..., :-1, :].unflatten(-1, pixels), kernel.shape[-1])
    return mix(kernel, weights["bias"], z, pixels)


def project(layer: Project, module: Any, weights: Weights, x: Tensor) -> Tensor:
    """The fixed linear map, the same in all lanes: (P, features, N) to (P, F, N)."""
    return torch.bmm(module.weight.expand(x.shape[0], *module.weight.shape), x)


def reshuffle(layer: Reshuffle, module: nn.Module, weights: Weights, x: Tensor) -> Tensor:
    """The learned linear map: (P, features, N) to (P, F, N)."""
    return torch.baddbmm(weights["bias"][..., None], weights["weight"], x)


LAYERS: dict[type[Layer], Callable[[Any, nn.Module, Weights, Tensor], Tensor]] = {
    Conv: convolve,
    Invariant: scatter_and_mix,
    Relu: lambda layer, module, weights, x: x.relu(),
    MaxPool: lambda layer, module, weights, x: pool(x),
    Unravel: lambda layer, module, weights, x: x.flatten(1, -2),
    Project: project,
    Reshuffle: reshuffle,
    OwnLayer: apply_own,
    OwnNetwork: apply_own,
}
"""What each kind of layer is over lanes: of its description, its torch module, its weights and its input."""


def explain_not_packed(description: Description) -> str | None:
    """Why a network cannot be packed; None if it can."""
    without = {type(layer).__name__ for layer in description.values() if type(layer) not in LAYERS}
    return f"a pack has no {', '.join(sorted(without))}" if without else None


class PackedNetwork:
    """A network over lanes.

    Args:
        description: of the network.
        template: one lane's torch network; its fixed kernels and its fixed linear map are those of all lanes.
        buffers: those of the user's own layers, (P, ..), by their names in the template.
    """

    def __init__(self, description: Description, template: nn.Sequential, buffers: Weights | None = None):
        self.template = template
        self._buffers = dict(buffers or {})
        self._steps = [(name, layer, getattr(template, name)) for name, layer in description.items()]
        for place, ((_, first, _), (_, second, _)) in enumerate(zip(self._steps, self._steps[1:], strict=False)):
            if isinstance(first, Relu) and isinstance(second, MaxPool):  # They commute; a quarter is left to rectify.
                self._steps[place : place + 2] = reversed(self._steps[place : place + 2])

    def compute_scores(self, weights: Weights, x: Tensor) -> Tensor:
        """The scores (P, classes, N) of a batch.

        Args:
            weights: (P, ..), by their names in the template.
            x: (C, H, W, N), the same for all lanes.
        """
        weights = {**weights, **self._buffers}
        for name, layer, module in self._steps:
            own = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
            x = LAYERS[type(layer)](layer, module, own, x)
        return x
