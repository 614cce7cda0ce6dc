"""The measurement: how far Phi(L_tau x) is from Phi(x), for shifts and for smooth warps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from models.stability.stages import Stage
from models.stability.warps import Displacement, Size, displace, shift, smooth

SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
"""Pixels."""

GRADIENTS = (0.0, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Norms of the gradient of tau; equation 1.2.10 is for at most 1/2."""


def list_moves(
    count: int, height: int, width: int, seed: int
) -> Iterator[tuple[str, float, list[Displacement], list[Size]]]:
    """Shifts, then warps of ``count`` images: which of the two, the amount, each image's displacement and its size.

    Each image is shifted in a direction of its own and warped by a field of its own, the same at every amount.
    """
    generator = torch.Generator().manual_seed(seed)
    angles = (2 * math.pi * torch.rand(count, generator=generator)).tolist()
    fields = [smooth(generator) for _ in range(count)]
    sizes = [field.measure_size(height, width) for field in fields]
    for distance in SHIFTS:
        yield "shift", distance, [shift(distance, angle) for angle in angles], [Size(distance, 0.0, 0.0, 0.0)] * count
    for gradient in GRADIENTS:
        factors = [gradient / size.gradient for size in sizes]
        warps = [field.scale(factor) for field, factor in zip(fields, factors, strict=True)]
        yield "warp", gradient, warps, [size.scale(factor) for size, factor in zip(sizes, factors, strict=True)]


def list_norms(x: Tensor) -> Tensor:
    """(N, ..) to the L2 norm of each of N, in float64."""
    return torch.linalg.vector_norm(x.double().flatten(1), dim=1)


def measure(images: Tensor, stages: Sequence[Stage], seed: int) -> list[dict[str, Any]]:
    """Measures every stage on every image and displacement.

    Args:
        images: (N, C, H, W), normalised, none of them zero.
        stages: what to measure.
        seed: of the displacements.

    Returns:
        Plain rows: ``stage``, ``scale`` (J), ``layers``, ``kind`` (shift or warp), ``amount``, ``image``,
        ``displacement`` (pixels), ``bound`` (F(tau)), ``change`` (||Phi(L_tau x) - Phi(x)|| / ||x||) and
        ``relative`` (the same / ||Phi(x)||).
    """
    height, width = images.shape[2:]
    inputs = list_norms(images)
    plain = [stage(images) for stage in stages]
    rows = []
    for kind, amount, taus, sizes in list_moves(len(images), height, width, seed):
        moved = displace(images, taus)
        for stage, before in zip(stages, plain, strict=True):
            named = {"stage": stage.name, "scale": stage.scale, "layers": stage.layers, "kind": kind, "amount": amount}
            change = list_norms(stage(moved) - before)
            ratios = zip(sizes, (change / inputs).tolist(), (change / list_norms(before)).tolist(), strict=True)
            for number, (size, absolute, relative) in enumerate(ratios):
                bound = size.compute_bound(stage.scale)
                numbers = {"displacement": size.displacement, "bound": bound, "change": absolute, "relative": relative}
                rows.append({**named, "image": number, **numbers})
    return rows
