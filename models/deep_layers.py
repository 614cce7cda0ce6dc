"""Further layers of descriptions, for the deep networks of Tables 1.5 to 1.7.

There, batch normalisation follows every convolution or invariant layer. It would cancel a bias, so these layers are
bare, without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.description import Conv, Invariant, Layer, Plain, Relu, Reshuffle, Shape, Unravel
from spaces.common.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import nn

FINAL = 8
"""Height and width of the deep networks' activations before the average pooling."""


def check_image(shape: Shape, what: str) -> Shape:
    """The shape, if it is that of an image.

    Raises:
        UserError: it is not (C, H, W).
    """
    if len(shape) != 3:
        raise UserError(f"{what}: the input is {shape}, not (C, H, W); put it before Unravel")
    return shape


class BareConv(Conv):
    """A ``Conv`` without a bias."""

    biased = False


class BareInvariant(Invariant):
    """An ``Invariant`` without a bias."""

    biased = False


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation of each channel, with a weight that starts at 1 and a bias that starts at 0."""

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """A ``nn.BatchNorm2d``."""
        from torch import nn

        return nn.BatchNorm2d(check_image(shape, "batch norm")[0], device=generator.device)


class Upsample(Plain):
    """Bilinear interpolation to twice the height and width (``align_corners=False``)."""

    module, options = "Upsample", {"scale_factor": 2, "mode": "bilinear", "align_corners": False}

    def shape_after(self, shape: Shape) -> Shape:
        """(C, H, W) to (C, 2H, 2W)."""
        return (shape[0], *(2 * size for size in shape[1:]))


@dataclass(frozen=True)
class Dropout(Plain):
    """Sets a random share of the activations to 0 in training and scales up the others.

    What is dropped comes from torch's generator, which a training seeds and keeps in its checkpoints.
    """

    module = "Dropout"
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise UserError(f"dropout: {self.share!r} is not allowed; give a share in [0, 1)")


@dataclass(frozen=True)
class AveragePool(Plain):
    """Means over size x size pixels; rows and columns that fill no window are dropped."""

    module = "AvgPool2d"
    size: int

    def shape_after(self, shape: Shape) -> Shape:
        """(C, H, W) to (C, H // size, W // size)."""
        _, *pixels = check_image(shape, "average pool")
        if min(pixels) < self.size:
            raise UserError(f"average pool: {shape} has no {self.size} x {self.size} pixels; give larger images")
        return (shape[0], *(length // self.size for length in pixels))


class Linear(Reshuffle):
    """A learned linear map, the head of a network: Glorot uniform whatever the gain a, with a zero bias."""

    gain = 1.0


def normalise(letter: str) -> Iterator[tuple[str, Layer]]:
    """Batch normalisation and ReLU, as they follow the layer of that letter."""
    yield from ((f"bn{letter}", BatchNorm()), (f"relu{letter}", Relu()))


def make_head(classes: int) -> dict[str, Layer]:
    """The last layers of the deep networks, from 8 x 8 activations to classes."""
    return {"avg": AveragePool(FINAL), "unravel": Unravel(), "fc1": Linear(classes)}
