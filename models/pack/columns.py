"""The windows of a convolution as the columns of a matrix, so that it becomes a matrix product for each lane."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, product
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Band(NamedTuple):
    """Neighbouring pixels along an axis that the same taps of a kernel see.

    Attributes:
        start: the first of them.
        length: how many.
        tap: the first of the taps.
        taps: how many.
    """

    start: int
    length: int
    tap: int
    taps: int


def list_bands(size: int, kernel: int) -> Iterator[Band]:
    """The bands of an axis, for a kernel that keeps its size: all of its taps see the pixels far from an edge."""

    def find_taps(pixel: int) -> tuple[int, int]:
        last = pixel + kernel // 2  # The window at pixel + kernel // 2 - tap sees the pixel with that tap.
        return max(0, last - size + 1), min(kernel - 1, last)

    for (first, last), pixels in groupby(range(size), key=find_taps):
        start, *others = pixels
        yield Band(start, 1 + len(others), first, last - first + 1)


def view_windows(x: Tensor, kernel: int) -> Tensor:
    """The k x k windows around the pixels of x, with zeros outside: (.., C, H, W, N) to (.., C, k, k, H, W, N)."""
    half = kernel // 2
    windows = F.pad(x, (0, 0, half, half, half, half)).unfold(-3, kernel, 1).unfold(-3, kernel, 1)
    return windows.movedim((-2, -1), (-5, -4))


def add_windows(windows: Tensor) -> Tensor:
    """The adjoint of ``view_windows``, one sum for each two bands: (.., C, k, k, H, W, N) to (.., C, H, W, N)."""
    *lead, kernel, _, height, width, count = windows.shape
    *steps, by_down, by_right, by_row, by_column, by_image = windows.stride()
    total = windows.new_empty(*lead, height, width, count)
    for rows, columns in product(list_bands(height, kernel), list_bands(width, kernel)):
        down, right = rows.start + kernel // 2 - rows.tap, columns.start + kernel // 2 - columns.tap
        seen = windows[..., rows.tap, columns.tap, down, right, :].as_strided(
            (*lead, rows.length, columns.length, count, rows.taps, columns.taps),
            (*steps, by_row, by_column, by_image, by_down - by_row, by_right - by_column),
        )
        place = total[..., rows.start : rows.start + rows.length, columns.start : columns.start + columns.length, :]
        torch.sum(seen, (-2, -1), out=place)
    return total


class Columns(torch.autograd.Function):
    """Copies windows into columns, with a row of ones below them for the bias."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: int) -> Tensor:
        """(.., C, H, W, N) to (.., C k k + 1, H W N)."""
        *lead, channels, height, width, count = x.shape
        ctx.form = channels, kernel, kernel, height, width, count
        columns = x.new_empty(*lead, channels * kernel**2 + 1, height * width * count)
        columns[..., :-1, :].view(*lead, *ctx.form).copy_(view_windows(x, kernel))
        columns[..., -1, :] = 1
        return columns

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        """Adds up what the windows that see a pixel say of it."""
        windows = grad_outputs[0].contiguous()[..., :-1, :]
        return add_windows(windows.view(*windows.shape[:-2], *ctx.form)), None


def make_columns(x: Tensor, kernel: int) -> Tensor:
    """The windows of (.., C, H, W, N) as columns (.., C k k + 1, H W N), the last row ones."""
    found = Columns.apply(x, kernel)
    assert isinstance(found, Tensor)
    return found
