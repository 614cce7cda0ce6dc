"""What is compared: the first stages of networks, and maps of the same size that show what they are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import models
from models.deep_layers import BatchNorm, Upsample
from models.description import Description, Relu, Shape
from models.scattering import Scattering
from spaces.common.errors import UserError

SCALES = (1, 2)
"""J: how often the size is halved."""

POINTWISE = (BatchNorm, Relu)
"""Layers that belong to the one before them."""


class Haar(nn.Module):
    """The three signed Haar details of each 2 x 2 pixels, orthonormal: fine structure without a modulus."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, 3C, H // 2, W // 2)."""
        even = x[..., : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
        a, b, c, d = F.pixel_unshuffle(even, 2).unflatten(1, (-1, 4)).unbind(2)
        return torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], dim=1) / 2


class Magnitudes(nn.Module):
    """A stack of fixed scattering layers without the average of the pixels: the wavelet magnitudes alone."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scattering = nn.Sequential(*(Scattering() for _ in range(scale)))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, (7^J - 1) C, H / 2^J, W / 2^J)."""
        return self.scattering(x)[:, x.shape[1] :]


@dataclass(frozen=True, eq=False)
class Stage:
    """A map Phi of images.

    Attributes:
        name: the architecture that it begins, or what ``make_references`` names.
        scale: J: its output is 2^J times smaller than its input.
        layers: names of its layers, but for normalisation and ReLU.
        module: maps (N, C, H, W) to (N, C', H / 2^J, W / 2^J).
    """

    name: str
    scale: int
    layers: str
    module: nn.Module

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Phi(x)."""
        return self.module(images)


def measure_length(description: Description, shape: Shape, scale: int) -> int:
    """How many of a network's layers it takes until the size is halved ``scale`` times and stays so.

    Raises:
        UserError: there are no such layers.
    """
    layers = list(description.values())
    height = math.ceil(shape[1] / 2**scale)
    for end, layer in enumerate(layers, start=1):
        shape = layer.shape_after(shape)
        halved = len(shape) == 3 and shape[1] in (height, height - 1)  # Pooling rounds odd sizes down.
        if halved and not isinstance(next(iter(layers[end:]), None), Upsample):
            return end + len(list(takewhile(lambda layer: isinstance(layer, POINTWISE), layers[end:])))
    raise UserError(f"scale: the network never has 1/{2**scale} of its input's size; choose another architecture")


def make_references(scale: int) -> list[Stage]:
    """Stages that are not from a network: averaged pixels, signed details, and magnitudes of fixed scattering alone."""
    halvings = [nn.AvgPool2d(2) for _ in range(scale - 1)]
    return [
        Stage("pixels", scale, f"{2**scale} x {2**scale} mean", nn.AvgPool2d(2**scale)),
        Stage("details", scale, "signed Haar details", nn.Sequential(*halvings, Haar())),
        Stage("magnitudes", scale, "fixed scattering but for the mean", Magnitudes(scale)),
    ]


def list_stages(names: Sequence[str], input_shape: tuple[int, int, int], seed: int) -> list[Stage]:
    """The first stages of architectures with their initial weights (gain 1), after the references.

    Batch normalisation is as it starts, without effect.

    Raises:
        UserError: an unknown architecture, or one that is not made for such images.
    """
    found = []
    for scale in SCALES:
        found += make_references(scale)
        for name in names:
            description = models.describe_architecture(name, input_shape)
            network = models.build(name, gain=1.0, seed=seed, input_shape=input_shape).eval()
            count = measure_length(description, input_shape, scale)
            own = [each for each, layer in list(description.items())[:count] if not isinstance(layer, POINTWISE)]
            found.append(Stage(name, scale, " ".join(own), network[:count]))
    return found
