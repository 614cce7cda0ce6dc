"""From a network's description to the native program that trains and judges it.

Nothing here knows an architecture: a network made of the layers below has a native program without any C++.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from models.description import Conv, Description, Invariant, Layer, MaxPool, Project, Relu, Reshuffle, Scatter, Unravel
from models.fixed import FixedLinear
from models.invariant import InvariantLayer
from models.kernels import Dct, FixedAlpha
from models.native.library import Step

CONV, SCATTER, RELU, MAX_POOL, LINEAR = range(5)  # Of network.hpp.


NATIVE_LAYERS = (Conv, Invariant, MaxPool, Project, Relu, Reshuffle, Scatter, Unravel)


class NoNativeProgramError(ValueError):
    """A layer that the native engine does not have."""


def kernel_step(module: InvariantLayer) -> Step:
    """The mixing of an invariant layer."""
    size = 1 if module.mixing == "1x1" else 3
    basis = basis_of(module)
    images = 0 if basis is None else len(basis) if isinstance(module.kernel, Dct) else 1
    return Step(
        kind=CONV, outputs=module.out_channels, kernel=size, images=images, shared=isinstance(module.kernel, Dct)
    )


def basis_of(module: InvariantLayer) -> Tensor | None:
    """The fixed kernels that an invariant layer's learned weights multiply."""
    kernel = module.kernel
    return kernel.alpha if isinstance(kernel, FixedAlpha) else kernel.basis if isinstance(kernel, Dct) else None


def steps_of(name: str, layer: Layer, module: nn.Module) -> list[Step]:
    """The steps of one layer.

    Raises:
        NoNativeProgramError: the engine does not have that layer.
    """
    match layer:
        case Conv(out=out, kernel=kernel):
            return [Step(kind=CONV, outputs=out, kernel=kernel)]
        case Invariant() if isinstance(module, InvariantLayer) and not module.upsample:
            return [Step(kind=SCATTER), kernel_step(module)]
        case Scatter():
            return [Step(kind=SCATTER)]
        case Relu():
            return [Step(kind=RELU)]
        case MaxPool():
            return [Step(kind=MAX_POOL)]
        case Unravel():
            return []
        case Project(out=out):
            return [Step(kind=LINEAR, outputs=out)]
        case Reshuffle(out=out):
            return [Step(kind=LINEAR, outputs=out, learned=1)]
    raise NoNativeProgramError(f"layer {name!r} ({type(layer).__name__}) has no native form")


def tensors_of(module: nn.Module) -> Iterator[tuple[Tensor | None, Tensor | None, Tensor | None]]:
    """Weight, bias and basis of each step of a module."""
    if isinstance(module, InvariantLayer):
        yield None, None, None
        yield module.kernel.A, module.bias, basis_of(module)
    elif isinstance(module, nn.Conv2d | nn.Linear):
        yield module.weight, module.bias, None
    elif isinstance(module, FixedLinear):
        yield module.weight, None, None
    elif not isinstance(module, nn.Flatten):
        yield None, None, None


def has_native_program(description: Description) -> bool:
    """Whether every layer is one of those above."""
    return all(isinstance(layer, NATIVE_LAYERS) for layer in description.values())


def checked(tensor: Tensor, what: str) -> Tensor:
    """The tensor, if its memory is what the engine reads.

    Raises:
        ValueError: it is not.
    """
    if tensor.dtype != torch.float32 or tensor.device.type != "cpu" or not tensor.is_contiguous():
        raise ValueError(f"native engine: {what} must be contiguous float32 on the CPU, not {tensor.dtype}")
    return tensor
