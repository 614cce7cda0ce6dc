"""Displacements tau of images, the size F(tau) of equation 1.2.11, and what they make of an image.

A displacement is a sum of sinusoids, so its derivatives are exact and not differences of pixels. Lengths are in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

WAVES = 4
LONGEST, SHORTEST = 64.0, 16.0  # Wavelengths: as smooth as what a camera's position does to a small image.
FINER = 4  # Suprema are taken over a grid that many times finer than the pixels.


class Size(NamedTuple):
    """The four norms of equation 1.2.11, each a supremum over the image.

    Attributes:
        displacement: of |tau|.
        gradient: of the spectral norm of the Jacobian of tau.
        difference: of |tau(u) - tau(v)| over pairs of places: Mallat's Delta tau, which the chapter leaves open.
        hessian: of the Frobenius norm of the second derivatives, at least their operator norm.
    """

    displacement: float
    gradient: float
    difference: float
    hessian: float

    def scale(self, factor: float) -> Size:
        """The norms of ``factor`` times tau."""
        return Size(*(abs(factor) * norm for norm in self))

    def compute_bound(self, scale: int) -> float:
        """F(tau) for J = ``scale``; the middle term is its limit 0 where tau is constant."""
        logarithm = max(math.log(self.difference / self.gradient), 1.0) if self.gradient > 0 else 0.0
        return 2.0**-scale * self.displacement + self.gradient * logarithm + self.hessian


@dataclass(frozen=True, eq=False)
class Displacement:
    """tau(u) = shift + sum over m of amplitudes[m] cos(waves[m] . u + phases[m]), in rows and columns.

    Attributes:
        shift: (2,).
        amplitudes: (M, 2).
        waves: (M, 2), radians per pixel.
        phases: (M,).
    """

    shift: Tensor
    amplitudes: Tensor
    waves: Tensor
    phases: Tensor

    def _compute_angles(self, places: Tensor) -> Tensor:
        return places @ self.waves.T + self.phases

    def compute(self, places: Tensor) -> Tensor:
        """Values of tau at places (.., 2)."""
        return self.shift + self._compute_angles(places).cos() @ self.amplitudes

    def compute_jacobian(self, places: Tensor) -> Tensor:
        """(.., 2, 2): the derivative of each component of tau in each direction."""
        return torch.einsum("...m,mi,mj->...ij", -self._compute_angles(places).sin(), self.amplitudes, self.waves)

    def compute_hessian(self, places: Tensor) -> Tensor:
        """(.., 2, 2, 2): the second derivatives of each component."""
        bends = -self._compute_angles(places).cos()
        return torch.einsum("...m,mi,mj,mk->...ijk", bends, self.amplitudes, self.waves, self.waves)

    def scale(self, factor: float) -> Displacement:
        """``factor`` times tau."""
        return replace(self, shift=factor * self.shift, amplitudes=factor * self.amplitudes)

    def measure_size(self, height: int, width: int) -> Size:
        """Its norms over an image of that size."""
        fine = make_grid(height, width, FINER)
        tau = self.compute(fine).reshape(-1, 2)
        # The widest difference of points in a plane is that of two corners of their hull; directions find it closely.
        directions = torch.arange(0, math.pi, math.pi / 180, dtype=tau.dtype)
        along = tau @ torch.stack([directions.cos(), directions.sin()])
        return Size(
            torch.linalg.vector_norm(tau, dim=1).max().item(),
            compute_spectral(self.compute_jacobian(fine)).max().item(),
            (along.amax(0) - along.amin(0)).max().item(),
            torch.linalg.vector_norm(self.compute_hessian(fine), dim=(-3, -2, -1)).max().item(),
        )


def compute_spectral(matrices: Tensor) -> Tensor:
    """The largest singular value of each of (.., 2, 2), far faster than by decompositions."""
    squares, determinants = matrices.square().sum((-2, -1)), torch.linalg.det(matrices)
    return ((squares + (squares**2 - 4 * determinants**2).clamp(min=0).sqrt()) / 2).sqrt()


def shift(distance: float, angle: float) -> Displacement:
    """The same displacement everywhere: ``distance`` pixels at ``angle`` radians from the columns' direction."""
    vector = distance * torch.tensor([math.sin(angle), math.cos(angle)], dtype=torch.float64)
    return Displacement(vector, *(torch.zeros(size, dtype=torch.float64) for size in ((0, 2), (0, 2), (0,))))


def smooth(generator: torch.Generator) -> Displacement:
    """A random smooth displacement of no particular size."""

    def draw_uniform(*size: int) -> Tensor:
        return torch.rand(*size, generator=generator, dtype=torch.float64)

    lengths = SHORTEST * (LONGEST / SHORTEST) ** draw_uniform(WAVES)
    directions = 2 * math.pi * draw_uniform(WAVES)
    waves = torch.stack([directions.sin(), directions.cos()], dim=1) * (2 * math.pi / lengths)[:, None]
    amplitudes = torch.randn(WAVES, 2, generator=generator, dtype=torch.float64)
    return Displacement(torch.zeros(2, dtype=torch.float64), amplitudes, waves, 2 * math.pi * draw_uniform(WAVES))


def make_grid(height: int, width: int, finer: int = 1) -> Tensor:
    """The places of an image's pixels, (H, W, 2) as row and column, or of a finer grid over the same area."""
    axes = ((torch.arange(finer * length, dtype=torch.float64) + 0.5) / finer - 0.5 for length in (height, width))
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def displace(images: Tensor, displacements: list[Displacement]) -> Tensor:
    """L_tau x = x(u - tau(u)) of each image, (N, C, H, W).

    An image becomes a function by bicubic interpolation and, beyond its border, by reflection there, as the transform
    extends it. Its values at pixels are the pixels, so a shift by whole pixels moves them and a zero tau changes
    nothing.
    """
    height, width = images.shape[2:]
    places = make_grid(height, width)
    sources = torch.stack([places - tau.compute(places) for tau in displacements])
    # grid_sample wants (column, row), from -1 to 1 at the outer edges of the outermost pixels.
    relative = (2 * sources.flip(-1) + 1) / torch.tensor([width, height], dtype=torch.float64) - 1
    moved = F.grid_sample(images.double(), relative, mode="bicubic", padding_mode="reflection", align_corners=False)
    return moved.to(images.dtype)
