"""Parameters and multiplies of a network's layers, for the cost columns of Tables 1.4 and 1.7."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.description import SUBBANDS
from models.initial import FixedLinear
from models.invariant import InvariantLayer
from models.own.weights import list_weights
from models.scattering import Scattering

TRANSFORM_MULTS = 36
"""Multiplies of the wavelet transform per input pixel and channel (equation 1.4.3)."""
SMALL = 1024
"""Values of an image that a network has worked through in no time."""


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs, per image.

    Attributes:
        name: of the layer in its network.
        kind: ``conv``, ``invariant``, ``scattering`` (fixed), ``linear``, or ``own`` for all of a user's module.
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


class OwnCounter:
    """Counts a user's module whose parts nobody knows: by torch's flop counter, two flops a multiply.

    Invariant and scattering layers in it count as elsewhere: torch sees the transform as dense matrices.
    """

    def __init__(self, name: str, module: nn.Module, costs: list[LayerCost], flops: FlopCounterMode) -> None:
        self._name, self._costs, self._flops = name, costs, flops
        self._params = sum(weight.numel() for weight in list_weights(module))
        self._elsewhere = 0  # Flops inside layers that are counted in another way.
        module.register_forward_pre_hook(self._begin)
        for part in module.modules():
            if isinstance(part, InvariantLayer | Scattering):
                part.register_forward_pre_hook(lambda *_: self._move(-1))
                part.register_forward_hook(lambda *_: self._move(1))
        module.register_forward_hook(self._end)

    def _move(self, sign: int) -> None:
        self._elsewhere += sign * self._flops.get_total_flops()

    def _begin(self, module: nn.Module, inputs: object) -> None:
        self._before, self._start = len(self._costs), self._flops.get_total_flops()

    def _end(self, module: nn.Module, inputs: object, output: object) -> None:
        parts = [part for part in self._costs[self._before :] if part.kind in ("invariant", "scattering")]
        del self._costs[self._before :]
        mults = (self._flops.get_total_flops() - self._start - self._elsewhere) // 2 + sum(part.mults for part in parts)
        self._costs.append(
            LayerCost(self._name, "own", self._params, mults, sum(part.transform_mults for part in parts))
        )


def list_layer_costs(network: nn.Module, input_shape: Sequence[int], own: Sequence[str] = ()) -> list[LayerCost]:
    """Counts a network's convolutional, invariant and linear layers, in the order they run.

    Args:
        network: maps (N, C, H, W) to anything; it is not changed.
        input_shape: (C, H, W) of one image.
        own: names of its children that are a user's modules.
    """
    costs: list[LayerCost] = []
    flops = FlopCounterMode(display=False)

    def count(name: str, module: Counted, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        costs.append(compute_cost(name, module, inputs[0], output))

    # A copy on the meta device has shapes but no numbers, so nothing is computed. Not every module of a user's can be
    # there, and torch first imports its compiler, for more than a second.
    device = "cpu" if own or math.prod(input_shape) <= SMALL else "meta"
    shadow = copy.deepcopy(network).to(device).eval()
    for name, module in shadow.named_modules():
        if isinstance(module, Counted):
            module.register_forward_hook(partial(count, name))
    for name in own:
        OwnCounter(name, shadow.get_submodule(name), costs, flops)
    shadow.requires_grad_(False)  # Without gradients the flop counter cannot follow what would have some.
    with torch.no_grad(), flops if own else nullcontext():
        shadow(torch.zeros(1, *input_shape, device=device))
    return costs
