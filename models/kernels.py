"""Mixing kernels g_f(q, u) = A_{f,q} alpha_f(q, u) of equation 1.5.2, for the choices of section 1.5.1.1.

Each kernel is a module that holds the learned weights ``A`` and, where alpha is fixed, alpha as a buffer:
drawn from the run's generator, it belongs to the run's seed and to its checkpoint. Calling the module gives
g as (F, Q, k, k) for F outputs and Q = 7C subbands. Like every convolution layer, the invariant layer
correlates: g's entry (1 + i, 1 + j) weighs the coefficient i rows below and j columns to the right.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.initial import draw_glorot


class Kernel(nn.Module, ABC):
    """A mixing kernel.

    Attributes:
        A: the learned weights; their count is the layer's parameter cost.
        taps: nonzero entries of g for each (f, q), each one multiply per output pixel.
    """

    taps: ClassVar[int] = 9
    window: ClassVar[tuple[int, ...]] = ()  # Of A, for each f and q.

    def __init__(self, outputs: int, subbands: int, gain: float, generator: torch.Generator) -> None:
        """Draws A, scaled by the gain of equation 1.5.1."""
        super().__init__()
        self.A = nn.Parameter(draw_glorot((outputs, subbands, *self.window), gain, generator))

    @abstractmethod
    def forward(self) -> Tensor:
        """g, (F, Q, k, k)."""


class Pointwise(Kernel):
    """No alpha: the 1x1 mixing of equation 1.3.4."""

    taps = 1

    def forward(self) -> Tensor:
        """G = A, (F, Q, 1, 1)."""
        return self.A[:, :, None, None]


class FixedAlpha(Kernel):
    """A fixed 3x3 alpha for each (f, q), with one learned weight each."""

    alpha: Tensor

    def __init__(self, outputs: int, subbands: int, gain: float, generator: torch.Generator) -> None:
        """Draws A, then alpha, on which the gain has no effect."""
        super().__init__(outputs, subbands, gain, generator)
        self.register_buffer("alpha", self.draw(outputs, subbands, generator))

    @staticmethod
    @abstractmethod
    def draw(outputs: int, subbands: int, generator: torch.Generator) -> Tensor:
        """alpha, (F, Q, 3, 3)."""

    def forward(self) -> Tensor:
        """G = A alpha, (F, Q, 3, 3)."""
        return self.A[:, :, None, None] * self.alpha


def draw_squared_distances(outputs: int, subbands: int, generator: torch.Generator) -> Tensor:
    """|u - o|^2 at each u of the 3x3 window for a random offset o in it, of each (f, q): (F, Q, 3, 3)."""
    offsets = torch.randint(3, (outputs, subbands, 2), generator=generator, device=generator.device)
    place = torch.arange(3, device=offsets.device)
    rows, columns = ((place - axis[..., None]) ** 2 for axis in offsets.unbind(-1))
    return rows[..., :, None] + columns[..., None, :]


class ShiftedImpulse(FixedAlpha):
    """(a) A single 1 at a random offset."""

    taps = 1

    @staticmethod
    def draw(outputs: int, subbands: int, generator: torch.Generator) -> Tensor:
        """alpha, (F, Q, 3, 3): zeros and one 1."""
        return (draw_squared_distances(outputs, subbands, generator) == 0).to(torch.get_default_dtype())


class ShiftedGaussian(FixedAlpha):
    """(b) exp(-|u - o|^2) at a random offset o, each f scaled to unit L2 norm."""

    @staticmethod
    def draw(outputs: int, subbands: int, generator: torch.Generator) -> Tensor:
        """alpha, (F, Q, 3, 3)."""
        alpha = torch.exp(-draw_squared_distances(outputs, subbands, generator).to(torch.get_default_dtype()))
        return alpha / torch.linalg.vector_norm(alpha, dim=(1, 2, 3), keepdim=True)


class Random(FixedAlpha):
    """(c) A random 3x3 kernel, Glorot uniform at gain 1."""

    @staticmethod
    def draw(outputs: int, subbands: int, generator: torch.Generator) -> Tensor:
        """alpha, (F, Q, 3, 3)."""
        return draw_glorot((outputs, subbands, 3, 3), 1.0, generator)


class Learned(Kernel):
    """(d) A fully learned 3x3 kernel; A, (F, Q, 3, 3), has the fans of one."""

    window = (3, 3)

    def forward(self) -> Tensor:
        """G = A, (F, Q, 3, 3)."""
        return self.A


class Dct(Kernel):
    """(e) Three learned weights on the constant, the horizontal and the vertical 3x3 DCT-II image."""

    basis: Tensor

    def __init__(
        self, outputs: int, subbands: int, gain: float, generator: torch.Generator, scale: float = 1 / 9
    ) -> None:
        """Draws A, (3, F, Q), each with the fans of a 1x1 kernel; ``scale`` multiplies the orthonormal images."""
        nn.Module.__init__(self)
        self.A = nn.Parameter(torch.stack([draw_glorot((outputs, subbands), gain, generator) for _ in range(3)]))
        flat = torch.full((3,), 1 / math.sqrt(3), device=generator.device)
        slope = torch.tensor([1.0, 0.0, -1.0], device=generator.device) / math.sqrt(2)
        images = [torch.outer(flat, flat), torch.outer(flat, slope), torch.outer(slope, flat)]
        self.register_buffer("basis", scale * torch.stack(images))

    def forward(self) -> Tensor:
        """g, (F, Q, 3, 3): the weighted sum of the three images."""
        return torch.einsum("ifq,ihw->fqhw", self.A, self.basis)


KERNELS: dict[str, type[Kernel]] = {
    "1x1": Pointwise,
    "shifted-impulse": ShiftedImpulse,
    "shifted-gaussian": ShiftedGaussian,
    "random": Random,
    "learned": Learned,
    "dct": Dct,
}
