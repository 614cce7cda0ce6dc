"""The highest float32 rate that known good libraries reach on this core: what an engine can hope for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F

SIDE = 1024  # Of square matrices.
IMAGES, CHANNELS, PIXELS, KERNEL = 16, 128, 16, 3

PRODUCT_FLOPS = 2 * SIDE**3
FLOPS: dict[str, int] = {
    "torch.mm": PRODUCT_FLOPS,
    "numpy matmul": PRODUCT_FLOPS,
    "oneDNN conv": 2 * IMAGES * (CHANNELS * PIXELS * KERNEL) ** 2,
}
"""Floating point operations of a call."""


def limit_calls() -> dict[str, Callable[[], object]]:
    """What to time, by the names of ``FLOPS``."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, SIDE, SIDE, generator=generator)
    x = torch.randn(IMAGES, CHANNELS, PIXELS, PIXELS, generator=generator)
    weight = torch.randn(CHANNELS, CHANNELS, KERNEL, KERNEL, generator=generator)
    x, weight = (tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, weight))
    left, right = a.numpy(), b.numpy()

    @torch.inference_mode()
    def convolve() -> torch.Tensor:
        return F.conv2d(x, weight, padding=KERNEL // 2)

    return {
        "torch.mm": lambda: torch.mm(a, b),
        "numpy matmul": lambda: np.matmul(left, right),
        "oneDNN conv": convolve,
    }


def compute_rates(seconds: Mapping[str, float]) -> dict[str, float]:
    """GFLOP/s of each, from its seconds a call."""
    return {name: flops / seconds[name] / 1e9 for name, flops in FLOPS.items()}
