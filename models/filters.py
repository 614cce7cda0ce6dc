"""The near_sym_a wavelet filters as matrices: the linear half of the scattering layer.

A level-1 DTCWT filters rows and columns, then turns each 2x2 quad of a highpass image into two complex
numbers. All of that is linear and separable, so it folds into one small dense matrix per axis: the
symmetric extension, the repeated last row of an odd size, the split into even and odd samples, the quads
and the 2x2 average pooling of the lowpass (Algorithm 1.1, line 4).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from torch._C._functorch import is_functorch_wrapped_tensor

LOWPASS = tuple(Fraction(tap, 20) for tap in (-1, 5, 12, 5, -1))
HIGHPASS = tuple(Fraction(tap, 280) for tap in (3, -15, -73, 170, -73, -15, 3))


class Matrices(NamedTuple):
    """Of images (H, W): of the column axis, even outputs before odd ones, and of the row axis, over (row, parity).

    Attributes:
        low, high: (2W', W) each.
        pooled: (H', 2H) lowpass, pooled over the 2x2 quad; applied to lowpass columns.
        outer: (4H', 2H) real and imaginary part at 15 and 165 degrees; applied to lowpass columns.
        inner: (8H', 2H) the same at 45, 75, 105 and 135 degrees; applied to highpass columns.
    """

    low: torch.Tensor
    high: torch.Tensor
    pooled: torch.Tensor
    outer: torch.Tensor
    inner: torch.Tensor


def make_filter_matrix(size: int, taps: tuple[Fraction, ...]) -> np.ndarray:
    """The filter as a (size rounded up to even, size) float64 matrix.

    An odd size is first extended by its last sample; the even size that results is extended by
    half-sample symmetry, as often as the filter's reach needs (more than once for size 1 or 2).
    """
    even, reach = size + size % 2, len(taps) // 2
    source = (np.arange(even)[:, None] + np.arange(-reach, reach + 1)) % (2 * even)
    source = np.minimum(np.minimum(source, 2 * even - 1 - source), size - 1)
    matrix = np.zeros((even, size))
    np.add.at(matrix, (np.arange(even)[:, None], source), np.array(taps, dtype=float))
    return matrix


def interleave(even: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Rows that meet even columns and rows that meet odd columns, as one matrix over (row, even or odd)."""
    return np.stack([even, odd], axis=-1).reshape(len(even), -1)


def make_quads(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two complex subbands of the quads [[a, b], [c, d]], each as real rows, then imaginary rows.

    They are ((a - d) + i(b + c)) / sqrt(2) and ((a + d) + i(b - c)) / sqrt(2).
    """
    even, odd = matrix[0::2] / np.sqrt(2), matrix[1::2] / np.sqrt(2)
    first = np.concatenate([interleave(even, -odd), interleave(odd, even)])
    second = np.concatenate([interleave(even, odd), interleave(-odd, even)])
    return first, second


def list_matrices(height: int, width: int) -> list[np.ndarray]:
    """The fields of ``Matrices`` in float64."""
    columns = [make_filter_matrix(width, taps) for taps in (LOWPASS, HIGHPASS)]
    low, high = make_filter_matrix(height, LOWPASS), make_filter_matrix(height, HIGHPASS)
    pooled = (low[0::2] + low[1::2]) / 4
    (deg15, deg165), (deg45, deg135), (deg75, deg105) = make_quads(high), make_quads(high), make_quads(low)
    return [
        *(np.concatenate([matrix[0::2], matrix[1::2]]) for matrix in columns),
        interleave(pooled, pooled),
        np.concatenate([deg15, deg165]),
        np.concatenate([deg45, deg75, deg105, deg135]),
    ]


_CACHE: dict[tuple[int, int, torch.dtype, torch.device], Matrices] = {}
KEPT = 32
"""How many image sizes the cache keeps, the latest; of 128 x 128 pixels, one takes 1 MiB."""


def make_matrices(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Matrices:
    """The matrices of one image size, made once for each size, dtype and device."""
    key = (height, width, dtype, device)
    if (found := _CACHE.get(key)) is None:
        # torch.jit.trace must not see this: it is not the same in a second trace, from the cache.
        state = torch._C._get_tracing_state()
        torch._C._set_tracing_state(None)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            with torch.inference_mode(False):  # An inference tensor would break the autograd of every later call.
                made = list_matrices(height, width)
                found = Matrices(*(torch.from_numpy(matrix).to(device, dtype) for matrix in made))
        finally:
            torch._C._set_tracing_state(state)  # pyright: ignore[reportAttributeAccessIssue]
        # A tracer's fake tensor must not outlive the trace, nor torch.func's wrapper its transform.
        if type(found.low) is torch.Tensor and not is_functorch_wrapped_tensor(found.low):
            _CACHE[key] = found
            for oldest in list(_CACHE)[:-KEPT]:
                _CACHE.pop(oldest, None)
    return found


# What torch.compiler.assume_constant_result does, without the import of all of its compiler, which takes 1.5 s.
make_matrices._dynamo_marked_constant = True  # pyright: ignore[reportFunctionMemberAccess]
