"""The scattering layer z of equation 1.3.2 over lanes: that of ``models.scattering``, in the layout of a pack."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models.description import SUBBANDS
from models.scattering import SMOOTHING, filter_axes

OUTER, INNER = slice(1, None, 5), slice(2, 6)
"""The subbands at 15 and 165 degrees, and those between them, among the seven."""


class Subbands(torch.autograd.Function):
    """As ``models.scattering.Magnitudes``, with the subbands inside the lanes and a row of ones for the bias."""

    @staticmethod
    def forward(ctx: Any, low: Tensor, outer: Tensor, inner: Tensor) -> Tensor:
        """(.., C, S), (.., C, 2, 2, S) and (.., C, 4, 2, S), real before imaginary, to (.., 7 C + 1, S)."""
        *lead, channels, pixels = low.shape
        z = low.new_empty(*lead, SUBBANDS * channels + 1, pixels)
        z[..., -1, :] = 1
        bands = z[..., :-1, :].unflatten(-2, (SUBBANDS, channels))
        bands[..., 0, :, :] = low
        for subbands, parts in ((OUTER, outer), (INNER, inner)):
            real, imaginary = parts.transpose(-4, -3).unbind(-2)
            target = bands[..., subbands, :, :]
            target.fill_(SMOOTHING**2).addcmul_(real, real).addcmul_(imaginary, imaginary).sqrt_().sub_(SMOOTHING)
        ctx.save_for_backward(outer, inner, z)
        return z

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of the three inputs: d|w|/dw = w / sqrt(|w|^2 + b^2)."""
        outer, inner, z = ctx.saved_tensors
        channels = outer.shape[-4]
        bands, grad = (of[..., :-1, :].unflatten(-2, (SUBBANDS, channels)) for of in (z, grad_outputs[0]))
        slope = grad / (bands + SMOOTHING)
        outer, inner = (
            parts * slope[..., subbands, :, :].transpose(-3, -2).unsqueeze(-2)
            for subbands, parts in ((OUTER, outer), (INNER, inner))
        )
        return grad[..., 0, :, :], outer, inner


def make_subbands(x: Tensor) -> Tensor:
    """The z of (.., C, H, W, N), as (.., 7 C + 1, ceil(H/2) ceil(W/2) N), the last row ones."""
    lead = x.shape[:-3]  # Lanes, if any, and channels.
    low, outer, inner = filter_axes(x.reshape(-1, *x.shape[-3:]))
    parts = low.unflatten(0, lead), outer.unflatten(0, lead), inner.unflatten(0, lead)
    z = Subbands.apply(*parts)
    assert isinstance(z, Tensor)
    return z
