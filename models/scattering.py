"""The scattering layer z of equation 1.3.2 for J = 1: a pooled lowpass and six wavelet magnitudes.

The definition is that of ``pytorch_wavelets.ScatLayer(biort="near_sym_a", mode="symmetric", magbias=1e-2)``, which the
tests hold this against; it fails under ``torch.func.vmap`` and ``torch.compile`` and is several times slower.

Both axes are matrix products on batch-last data (C, H, W, N). The result has the usual logical shape (N, C, H, W) with
those strides, so a 1x1 mixing and a next layer work on it without a copy. The matrices grow with the square of the
image's side, so large images are filtered in overlapping tiles.
"""

from __future__ import annotations

import math
from operator import index
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from models.description import SUBBANDS
from models.filters import make_matrices
from spaces.common.errors import UserError

SMOOTHING = 1e-2
"""b of the magnitude sqrt(re^2 + im^2 + b^2) - b, whose gradient exists at 0."""

TILE = 128
"""The longest side of an image, in pixels, that is filtered whole."""

HALO = 4
"""How far tiles overlap: the reach of the filters, 3, rounded up to whole quads."""


def compute_magnitudes(low: Tensor, outer: Tensor, inner: Tensor) -> Tensor:
    """``Magnitudes`` in plain operations."""
    outer, inner = (
        ((parts.square().sum(2) + SMOOTHING**2).sqrt() - SMOOTHING).transpose(0, 1) for parts in (outer, inner)
    )
    return torch.cat([low[None], outer[:1], inner, outer[1:]])


class Magnitudes(torch.autograd.Function):
    """Gathers the lowpass and the smoothed magnitudes of the subbands into z.

    For speed, the forward pass writes each magnitude once, in place, and the backward pass needs nothing but the inputs
    and z. It is made of plain operations, so vmap and second derivatives work.
    """

    @staticmethod
    def forward(low: Tensor, outer: Tensor, inner: Tensor) -> Tensor:
        """(C, P), (C, 2, 2, P) and (C, 4, 2, P), real before imaginary, to (7, C, P)."""
        z = low.new_empty(SUBBANDS, *low.shape)
        z[0].copy_(low)
        for target, parts in ((z[1::5], outer), (z[2:6], inner)):
            real, imaginary = parts.transpose(0, 1).unbind(2)
            target.fill_(SMOOTHING**2).addcmul_(real, real).addcmul_(imaginary, imaginary).sqrt_().sub_(SMOOTHING)
        return z

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Saves the complex parts and z."""
        ctx.save_for_backward(*inputs[1:], output)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of the three inputs: d|w|/dw = w / sqrt(|w|^2 + b^2)."""
        (grad,) = grad_outputs
        outer, inner, z = ctx.saved_tensors
        slope = (grad[1:] / (z[1:] + SMOOTHING)).transpose(0, 1).unsqueeze(2)
        return grad[0], outer * slope[:, 0::5], inner * slope[:, 1:5]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *parts: Tensor) -> tuple[Tensor, int]:
        """Folds the mapped dimension into the pixels, which are independent of each other."""
        size = info.batch_size
        spread = (
            part.unsqueeze(-2).expand(*part.shape[:-1], size, -1) if dim is None else part.movedim(dim, -2)
            for part, dim in zip(parts, in_dims, strict=True)
        )
        return Magnitudes.apply(*(part.flatten(-2) for part in spread)).unflatten(-1, (size, -1)), 2


def multiply(matrix: Tensor, x: Tensor) -> Tensor:
    """(M, K) times each of (B, K, P) -> (B, M, P)."""
    return torch.bmm(matrix.expand(x.shape[0], *matrix.shape), x)


def scatter(x: Tensor) -> Tensor:
    """Scattering coefficients z of images (equation 1.3.2, J = 1).

    Args:
        x: (N, C, H, W), floating point, H and W at least 1. An odd H or W is extended by its last row or
            column, as ScatLayer does.

    Returns:
        z: (N, 7C, ceil(H/2), ceil(W/2)): C lowpass channels first, then C channels for each of the
        orientations 15, 45, 75, 105, 135 and 165 degrees.

    Raises:
        UserError: x is not a 4-D floating point tensor, or has no pixels.

    A trace of it (``torch.jit.trace``, the older ONNX exporter) holds for one image size and any N.
    ``torch.jit.script`` cannot read it.
    """
    if x.dim() != 4 or not x.is_floating_point() or 0 in x.shape[2:]:
        raise UserError(
            f"scatter: the input is {tuple(x.shape)} {x.dtype}; it must be (N, C, H, W) with H, W >= 1 and floating "
            "point; reshape or convert it"
        )
    if not x.is_meta and torch.is_autocast_enabled(x.device.type):  # Small magnitudes need their 32 bits.
        with torch.autocast(x.device.type, enabled=False):
            return scatter(x.float())
    n, c = x.shape[:2]
    height, width = (index(size) for size in x.shape[2:])
    if max(height, width) > TILE:
        return scatter_tiles(x, 2 if height > TILE else 3)
    # Tracers cannot record Python functions, and a rule for forward mode would be silently wrong in its second
    # derivatives (pytorch issue 197867).
    plain = torch._C._get_tracing_state() is not None or forward_ad._current_level >= 0
    z = (compute_magnitudes if plain else Magnitudes.apply)(*filter_axes(x.permute(1, 2, 3, 0)))
    return z.reshape(SUBBANDS * c, (height + 1) // 2, (width + 1) // 2, n).permute(3, 0, 1, 2)


def filter_axes(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The linear half of z, for batch-last channels of any number.

    Args:
        x: (C, H, W, N); the matrices are too large for images much larger than ``TILE``.

    Returns:
        The pooled lowpass (C, P), the subbands at 15 and 165 degrees (C, 2, 2, P), and those between (C, 4, 2, P), real
        before imaginary; P pixels (ceil(H/2), ceil(W/2), N).
    """
    c, n = x.shape[0], x.shape[3]
    height, width = (index(size) for size in x.shape[1:3])  # index: torch.compile makes a graph for each size.
    matrices = make_matrices(height, width, x.dtype, x.device)
    h, w = (height + 1) // 2, (width + 1) // 2
    lines = x.reshape(c * height, width, n)
    low = multiply(matrices.low, lines).reshape(c, 2 * height, w * n)
    high = multiply(matrices.high, lines).reshape(c, 2 * height, w * n)
    return (
        multiply(matrices.pooled, low).reshape(c, h * w * n),
        multiply(matrices.outer, low).reshape(c, 2, 2, h * w * n),
        multiply(matrices.inner, high).reshape(c, 4, 2, h * w * n),
    )


def scatter_tiles(x: Tensor, dim: int) -> Tensor:
    """``scatter`` of images whose axis ``dim`` is long: each tile sees its neighbours, or the extension, around it."""
    size = index(x.shape[dim])
    if size % 2:
        x, size = torch.cat([x, x.narrow(dim, size - 1, 1)], dim), size + 1
    count = math.ceil(size / (TILE - 2 * HALO))
    step = 2 * math.ceil(size / (2 * count))
    after = count * step + HALO - size  # Whole tiles reach beyond the halo; what that adds is cut off.
    x = torch.cat([x.narrow(dim, 0, HALO).flip(dim), x, x.narrow(dim, size - after, after).flip(dim)], dim)
    tiles = torch.cat([x.narrow(dim, place * step, step + 2 * HALO) for place in range(count)])
    z = scatter(tiles).narrow(dim, HALO // 2, step // 2)
    return z.unflatten(0, (count, -1)).movedim(0, dim).flatten(dim, dim + 1).narrow(dim, 0, size // 2)


class Scattering(nn.Module):
    """``scatter`` as a layer, without anything learned."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, 7C, ceil(H/2), ceil(W/2))."""
        return scatter(x)
