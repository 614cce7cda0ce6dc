"""Initial weights: Glorot uniform with a gain (equation 1.5.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch


def glorot_uniform(shape: Sequence[int], gain: float, generator: torch.Generator) -> torch.Tensor:
    """Draws weights from U[-a b, a b], b = sqrt(6 / ((C_in + C_out) * kernel area)), a the gain.

    The draw itself does not depend on the gain, it is only scaled by it: trials that share a seed compare
    gains on the same random numbers.

    Args:
        shape: (C_out, C_in) or (C_out, C_in, kernel height, kernel width).
        gain: a of equation 1.5.1.
        generator: where the random numbers come from; the global generator is never touched.

    Returns:
        A tensor of that shape.
    """
    out_channels, in_channels, *kernel = shape
    bound = math.sqrt(6 / ((in_channels + out_channels) * math.prod(kernel)))
    unit = 2 * torch.rand(shape, generator=generator, device=generator.device) - 1
    return unit * bound * gain
