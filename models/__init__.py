"""Networks: the scattering layer, the invariant layer and the architectures built from them."""

from __future__ import annotations

import torch
from torch import nn

from models import mnist
from models.architecture import Architecture
from models.cost import LayerCost, layer_costs
from models.description import assemble
from spaces.choose import choose
from spaces.errors import UserError
from spaces.hyperparameters import checked_number

ARCHITECTURES: dict[str, Architecture] = {
    "conv": mnist.CONV,
    "invariant": mnist.INVARIANT,
    "shifted-impulse": mnist.SHIFTED_IMPULSE,
    "shifted-gaussian": mnist.SHIFTED_GAUSSIAN,
    "random": mnist.RANDOM,
    "learned": mnist.LEARNED,
    "dct": mnist.DCT,
    "wide-conv": mnist.WIDE_CONV,
}
"""In the order of Table 1.4."""

MIN_SIZE = 4  # Two layers halve the size twice.


def build(
    name: str, *, gain: float, seed: int, input_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10
) -> nn.Sequential:
    """Builds a network with its initial weights; the same arguments give the same bits.

    Args:
        name: a name of ``ARCHITECTURES``.
        gain: a of equation 1.5.1, on the convolutional or invariant layers only; above 0.
        seed: decides initial weights and fixed kernels, at least 0; the global generator is not touched.
        input_shape: (C, H, W) of one image; H and W at least 4.
        classes: the number of outputs.

    Returns:
        A network from (N, C, H, W) to (N, classes).

    Raises:
        UserError: an unknown name, or a value that is not allowed.
    """
    architecture = choose("architecture", name, ARCHITECTURES)
    if len(input_shape) != 3 or input_shape[0] < 1 or min(input_shape[1:]) < MIN_SIZE:
        raise UserError(
            f"input shape: {input_shape!r} is not allowed; give (C, H, W) with C >= 1, H and W >= {MIN_SIZE}"
        )
    if classes < 1:
        raise UserError(f"classes: {classes!r} is not allowed; give at least 1")
    if not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise UserError(f"seed: {seed!r} is not allowed; give a whole number from 0 to 2^63 - 1")
    generator = torch.Generator().manual_seed(seed)
    return assemble(architecture.describe(classes), input_shape, checked_number("gain", gain), generator)


__all__ = ["ARCHITECTURES", "Architecture", "LayerCost", "build", "layer_costs"]
