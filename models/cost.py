"""Parameters and multiplies of a network's layers, for the cost columns of Tables 1.4 and 1.7."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from models.description import SUBBANDS
from models.initial import FixedLinear
from models.invariant import InvariantLayer
from models.scattering import Scattering

TRANSFORM_MULTS = 36
"""Multiplies of the wavelet transform per input pixel and channel (equation 1.4.3)."""


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs, per image.

    Attributes:
        name: of the layer in its network.
        kind: ``conv``, ``invariant``, ``scattering`` (fixed) or ``linear``.
        params: learned weights; no biases (equation 1.4.2), no fixed weights.
        mults: multiplies of the convolution, the mixing or the linear map. A fixed zero costs nothing.
        transform_mults: multiplies of the wavelet transform, 0 outside invariant and scattering layers.
    """

    name: str
    kind: str
    params: int
    mults: int
    transform_mults: int


Counted = nn.Conv2d | nn.Linear | FixedLinear | InvariantLayer | Scattering
"""Not counted: activations, pooling, normalisation and the few multiplies a pixel of an upsampling."""


def compute_cost(name: str, module: Counted, x: torch.Tensor, y: torch.Tensor) -> LayerCost:
    """The cost of one module that maps one image's x to y."""
    if isinstance(module, InvariantLayer | Scattering):
        _, channels, height, width = x.shape
        transform = TRANSFORM_MULTS * channels * height * width
        if isinstance(module, Scattering):
            return LayerCost(name, "scattering", 0, 0, transform)
        pixels = math.ceil(height / 2) * math.ceil(width / 2)  # The mixing comes before any upsampling.
        mults = module.out_channels * SUBBANDS * channels * module.kernel.taps * pixels
        return LayerCost(name, "invariant", module.kernel.A.numel(), mults, transform)
    weights = module.weight.numel()
    if isinstance(module, nn.Conv2d):
        return LayerCost(name, "conv", weights, weights * math.prod(y.shape[2:]), 0)
    return LayerCost(name, "linear", 0 if isinstance(module, FixedLinear) else weights, weights, 0)


def list_layer_costs(network: nn.Module, input_shape: Sequence[int]) -> list[LayerCost]:
    """Counts a network's convolutional, invariant and linear layers, in the order they run.

    Args:
        network: maps (N, C, H, W) to anything; it is not changed.
        input_shape: (C, H, W) of one image.
    """
    costs: list[LayerCost] = []

    def count(name: str, module: Counted, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        costs.append(compute_cost(name, module, inputs[0], output))

    # A copy on the meta device has shapes but no numbers, so nothing is computed and no running mean moves.
    shadow = copy.deepcopy(network).to("meta").eval()
    for name, module in shadow.named_modules():
        if isinstance(module, Counted):
            module.register_forward_hook(partial(count, name))
    with torch.no_grad():
        shadow(torch.empty(1, *input_shape, device="meta"))
    return costs
