"""2x2 max pooling of batch-last activations; of equal pixels the first one gets the gradient, as in torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def view_windows(x: Tensor) -> Tensor:
    """The whole windows of 2 x 2 pixels: (.., H, W, N) to (.., H // 2, 2, W // 2, 2, N)."""
    height, width = x.shape[-3] // 2, x.shape[-2] // 2
    return x[..., : 2 * height, : 2 * width, :].unflatten(-2, (width, 2)).unflatten(-4, (height, 2))


class MaxPooling(torch.autograd.Function):
    """The largest pixel of each window; rows and columns that fill no window are dropped."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """(.., H, W, N) to (.., H // 2, W // 2, N)."""
        largest = view_windows(x).amax((-4, -2))
        ctx.save_for_backward(x, largest)
        return largest

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        """To the first pixel that is the largest."""
        x, largest = ctx.saved_tensors
        largest, given = (of.unsqueeze(-2).unsqueeze(-4) for of in (largest, grad_outputs[0]))
        chosen = view_windows(x) == largest
        first, second, third, fourth = (chosen[..., row, :, column, :] for row in (0, 1) for column in (0, 1))
        second &= ~first
        above = first | second
        third &= ~above
        fourth &= ~(above | third)
        if x.shape[-3] % 2 == x.shape[-2] % 2 == 0:
            return torch.where(chosen, given, 0).view(x.shape)
        grad = torch.zeros_like(x)
        view_windows(grad).copy_(torch.where(chosen, given, 0))
        return grad


def pool(x: Tensor) -> Tensor:
    """The largest of each 2 x 2 pixels of (.., H, W, N), as (.., H // 2, W // 2, N)."""
    found = MaxPooling.apply(x)
    assert isinstance(found, Tensor)
    return found
