"""Further layers of descriptions, for the deep networks of Tables 1.5 to 1.7.

There, every convolution or invariant layer is followed by batch normalisation. That subtracts the mean, so a bias
before it would have no effect, and its own bias takes the place: these layers are bare, without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.description import Conv, Invariant, Shape, features, weighted
from spaces.common.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import nn


def image(shape: Shape, what: str) -> Shape:
    """The shape, if it is that of an image.

    Raises:
        UserError: it is not (C, H, W).
    """
    if len(shape) != 3:
        raise UserError(f"{what}: the input is {shape}, not (C, H, W); put it before Unravel")
    return shape


@dataclass(frozen=True)
class BareConv(Conv):
    """A ``Conv`` without a bias."""

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.Conv2d``."""
        from torch import nn

        module = nn.Conv2d(shape[0], self.out, self.kernel, padding=self.kernel // 2, bias=False, device="meta")
        return weighted(module, gain, generator)


@dataclass(frozen=True)
class BareInvariant(Invariant):
    """An ``Invariant`` without a bias."""

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """An ``InvariantLayer``."""
        from models.invariant import InvariantLayer

        return InvariantLayer(shape[0], self.out, mixing=self.mixing, gain=gain, generator=generator, bias=False)


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation of each channel, with a weight that starts at 1 and a bias that starts at 0."""

    def after(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.BatchNorm2d``."""
        from torch import nn

        return nn.BatchNorm2d(image(shape, "batch norm")[0], device=generator.device)


@dataclass(frozen=True)
class Upsample:
    """Bilinear interpolation to twice the height and width (``align_corners=False``)."""

    def after(self, shape: Shape) -> Shape:
        """(C, H, W) to (C, 2H, 2W)."""
        return (shape[0], *(2 * size for size in shape[1:]))

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.Upsample``."""
        from torch import nn

        return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class Dropout:
    """Sets a random share of the activations to 0 in training and scales up the others.

    What is dropped comes from torch's generator, which a training seeds and keeps in its checkpoints.
    """

    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise UserError(f"dropout: {self.share!r} is not allowed; give a share in [0, 1)")

    def after(self, shape: Shape) -> Shape:
        """Unchanged."""
        return shape

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.Dropout``."""
        from torch import nn

        return nn.Dropout(self.share)


@dataclass(frozen=True)
class AveragePool:
    """Means over size x size pixels; rows and columns that fill no window are dropped."""

    size: int

    def after(self, shape: Shape) -> Shape:
        """(C, H, W) to (C, H // size, W // size)."""
        _, *pixels = image(shape, "average pool")
        if min(pixels) < self.size:
            raise UserError(f"average pool: {shape} has no {self.size} x {self.size} pixels; give larger images")
        return (shape[0], *(length // self.size for length in pixels))

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.AvgPool2d``."""
        from torch import nn

        self.after(shape)
        return nn.AvgPool2d(self.size)


@dataclass(frozen=True)
class Linear:
    """A learned linear map, the head of a network: Glorot uniform whatever the gain a, with a zero bias."""

    out: int

    def after(self, shape: Shape) -> Shape:
        """(features,) to (out,)."""
        return (self.out,)

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.Linear``."""
        from torch import nn

        return weighted(nn.Linear(features(shape, "linear"), self.out, device="meta"), 1.0, generator)
