"""From a network's description to the native program that trains and judges it.

Nothing here knows an architecture: a network made of the layers below needs no C++ of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from models.description import Conv, Description, Invariant, Layer, MaxPool, Project, Relu, Reshuffle, Scatter, Unravel
from models.initial import FixedLinear
from models.invariant import InvariantLayer
from models.kernels import Dct, FixedAlpha, Kernel, ShiftedGaussian, ShiftedImpulse
from models.native.library import Step

CONV, SCATTER, RELU, MAX_POOL, LINEAR = range(5)  # Of layer.hpp.
FORMS: dict[type[Kernel], int] = {ShiftedImpulse: 1, ShiftedGaussian: 2, Dct: 3}  # Of layer.hpp; 0 is any other.
ALIGNMENT = 64  # Bytes; of a vector.


class NoNativeProgramError(ValueError):
    """A layer that the native engine does not have."""


def make_kernel_step(module: InvariantLayer) -> Step:
    """The mixing of an invariant layer."""
    size = 1 if module.mixing == "1x1" else 3
    basis, shared = find_basis(module), isinstance(module.kernel, Dct)
    images = 0 if basis is None else len(basis) if shared else 1
    form = FORMS.get(type(module.kernel), 0)  # Not isinstance: a subclass may draw something else.
    return Step(kind=CONV, outputs=module.out_channels, kernel=size, images=images, shared=shared, form=form)


def find_basis(module: InvariantLayer) -> Tensor | None:
    """The fixed kernels that an invariant layer's learned weights multiply."""
    kernel = module.kernel
    return kernel.alpha if isinstance(kernel, FixedAlpha) else kernel.basis if isinstance(kernel, Dct) else None


STEPS: dict[type, Callable[[Any, Any], list[Step]]] = {
    Conv: lambda layer, module: [Step(kind=CONV, outputs=layer.out, kernel=layer.kernel)],
    Invariant: lambda layer, module: [Step(kind=SCATTER), make_kernel_step(module)],
    Scatter: lambda layer, module: [Step(kind=SCATTER)],
    Relu: lambda layer, module: [Step(kind=RELU)],
    MaxPool: lambda layer, module: [Step(kind=MAX_POOL)],
    Unravel: lambda layer, module: [],
    Project: lambda layer, module: [Step(kind=LINEAR, outputs=layer.out)],
    Reshuffle: lambda layer, module: [Step(kind=LINEAR, outputs=layer.out, learned=1)],
}
"""The steps of each kind of layer, from its description and its torch module."""


def list_steps(name: str, layer: Layer, module: nn.Module) -> list[Step]:
    """The steps of one layer.

    Raises:
        NoNativeProgramError: the engine does not have that layer.
    """
    if type(layer) not in STEPS:  # Not isinstance: a subclass may do something else.
        raise NoNativeProgramError(f"layer {name!r} ({type(layer).__name__}) has no native form")
    return STEPS[type(layer)](layer, module)


def has_native_program(description: Description) -> bool:
    """Whether the engine has every layer of a network."""
    return all(type(layer) in STEPS for layer in description.values())


def list_tensors(module: nn.Module) -> Iterator[tuple[Tensor | None, Tensor | None, Tensor | None]]:
    """Weight, bias and basis of each step of a module."""
    if isinstance(module, InvariantLayer):
        yield None, None, None
        yield module.kernel.A, module.bias, find_basis(module)
    elif isinstance(module, nn.Conv2d | nn.Linear):
        yield module.weight, module.bias, None
    elif isinstance(module, FixedLinear):
        yield module.weight, None, None
    elif not isinstance(module, nn.Flatten):
        yield None, None, None


def check_layers(tensor: Tensor, what: str, shape: Sequence[int] | None = None) -> Tensor:
    """The tensor, if its memory is what the engine reads; with a shape, of activations in blocks.

    Raises:
        ValueError: it is not.
    """
    if tensor.dtype != torch.float32 or tensor.device.type != "cpu" or not tensor.is_contiguous():
        raise ValueError(
            f"native engine: {what} must be contiguous float32 on the CPU, not {tensor.dtype} with strides "
            f"{tensor.stride()} on {tensor.device}"
        )
    if shape is not None and (tuple(tensor.shape) != tuple(shape) or tensor.data_ptr() % ALIGNMENT):
        raise ValueError(
            f"native engine: {what} must be {tuple(shape)} and aligned to {ALIGNMENT} bytes, not {tuple(tensor.shape)}"
        )
    return tensor
