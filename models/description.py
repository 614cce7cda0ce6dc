"""Networks as data: what each layer is, from which a torch network, a native one or a table can be made.

A description maps layer names, in the order of evaluation, to layers: all there is to know but the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from spaces.common.errors import UserError

if TYPE_CHECKING:  # Code that only names or sizes networks need not wait for torch.
    import torch
    from torch import nn

Shape = tuple[int, ...]
"""Of one image's activation: (C, H, W), or (features,) once flattened."""

SUBBANDS = 7
"""Channels of z for each channel of x: the lowpass, then 15, 45, 75, 105, 135 and 165 degrees."""


class Layer(Protocol):
    """One layer of a description."""

    def shape_after(self, shape: Shape) -> Shape:
        """The shape of the output for an input of that shape: the same, unless a layer says otherwise."""
        return shape

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """The torch module for an input of that shape, with its weights drawn from the generator."""
        ...


Description = Mapping[str, Layer]


def draw_weights(module: nn.Conv2d | nn.Linear, gain: float, generator: torch.Generator) -> nn.Module:
    """Gives a module made on the meta device, where torch draws nothing, Glorot-uniform weights and a zero bias."""
    from models.initial import draw_glorot

    module = module.to_empty(device=generator.device)
    module.weight.data = draw_glorot(module.weight.shape, gain, generator)
    if module.bias is not None:
        module.bias.data.zero_()
    return module


@dataclass(frozen=True)
class Plain(Layer):
    """A layer that is a module of ``torch.nn`` without weights; the layer's fields are the module's first arguments."""

    module: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """The module."""
        from torch import nn

        self.shape_after(shape)  # Refuses a shape that does not fit.
        return getattr(nn, self.module)(*astuple(self), **self.options)


@dataclass(frozen=True)
class Conv(Layer):
    """A k x k convolution that keeps the size (padding k // 2, k odd), with a bias; its weights take the gain.

    >>> Conv(7).shape_after((1, 28, 28))
    (7, 28, 28)
    """

    out: int
    kernel: int = 3
    biased: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise UserError(f"conv: a {self.kernel} x {self.kernel} kernel is not allowed; its size must be odd")

    def shape_after(self, shape: Shape) -> Shape:
        """(C, H, W) to (out, H, W)."""
        return (self.out, *shape[1:])

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.Conv2d``."""
        from torch import nn

        half = self.kernel // 2
        module = nn.Conv2d(shape[0], self.out, self.kernel, padding=half, bias=self.biased, device="meta")
        return draw_weights(module, gain, generator)


@dataclass(frozen=True)
class Scatter(Layer):
    """The scattering layer z alone (equation 1.3.2): a pooled lowpass and six magnitudes of each channel.

    >>> Scatter().shape_after((3, 9, 9))
    (21, 5, 5)
    """

    def shape_after(self, shape: Shape) -> Shape:
        """(C, H, W) to (7C, ceil(H/2), ceil(W/2))."""
        return (SUBBANDS * shape[0], *(math.ceil(size / 2) for size in shape[1:]))

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``Scattering``."""
        from models.scattering import Scattering

        return Scattering()


@dataclass(frozen=True)
class Invariant(Layer):
    """An invariant layer: scattering, then a mixing of ``models.kernels.KERNELS``; its weights take the gain."""

    out: int
    mixing: str = "1x1"
    biased: ClassVar[bool] = True

    def shape_after(self, shape: Shape) -> Shape:
        """(C, H, W) to (out, ceil(H/2), ceil(W/2))."""
        return (self.out, *(math.ceil(size / 2) for size in shape[1:]))

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """An ``InvariantLayer``."""
        from models.invariant import InvariantLayer

        return InvariantLayer(shape[0], self.out, mixing=self.mixing, gain=gain, generator=generator, bias=self.biased)


class Relu(Plain):
    """max(0, x)."""

    module = "ReLU"


class MaxPool(Plain):
    """2x2 max pooling; the last row or column of an odd size is dropped."""

    module, options = "MaxPool2d", {"kernel_size": 2}

    def shape_after(self, shape: Shape) -> Shape:
        """(C, H, W) to (C, H // 2, W // 2)."""
        return (shape[0], *(size // 2 for size in shape[1:]))


class Unravel(Plain):
    """Flattens (C, H, W) to features."""

    module = "Flatten"

    def shape_after(self, shape: Shape) -> Shape:
        """(C, H, W) to (C * H * W,)."""
        return (math.prod(shape),)


@dataclass(frozen=True)
class Reshuffle(Layer):
    """A learned linear map with a bias."""

    out: int
    gain: ClassVar[float] = math.sqrt(2)  # Whatever the gain a: that belongs to the layers under study.
    learned: ClassVar[bool] = True

    def shape_after(self, shape: Shape) -> Shape:
        """(features,) to (out,)."""
        return (self.out,)

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.Linear``, or a ``FixedLinear`` where it is not learned.

        Raises:
            UserError: the input is not flat.
        """
        from torch import nn

        from models.initial import FixedLinear

        if len(shape) != 1:
            raise UserError(f"{type(self).__name__.lower()}: the input is {shape}, not flat; put Unravel before it")
        if self.learned:
            return draw_weights(nn.Linear(*shape, self.out, device="meta"), self.gain, generator)
        return FixedLinear(*shape, self.out, gain=self.gain, generator=generator)


class Project(Reshuffle):
    """A linear map that is not learned."""

    learned = False


def assemble(description: Description, shape: Shape, gain: float, generator: torch.Generator) -> nn.Sequential:
    """Builds the torch network of a description, its children named as there.

    Args:
        description: layer names and layers, in order.
        shape: (C, H, W) of one image.
        gain: a of equation 1.5.1, on the layers that take it.
        generator: draws every weight, layer by layer.
    """
    from torch import nn

    modules = nn.Sequential()
    for name, layer in description.items():
        modules.add_module(name, layer.build(shape, gain, generator))
        shape = layer.shape_after(shape)
    return modules
