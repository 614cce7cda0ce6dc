"""Multiply-adds that the native engine executes for an image: forward, and backward as far as it goes.

Counted per layer, for three passes: the outputs, the gradient of the weights, and the gradient of the input, which
the engine computes only where something learned lies below (``network.hpp``).

- A 3x3 or 5x5 convolution or mixing is F(TxT, RxR) with T + R - 1 = 6 (``winograd.hpp``): each tile of TxT outputs
  takes 36 products for each pair of channels, in each pass. There are ceil(H/T) ceil(W/T) tiles, of an even H and W
  where the layer pools: max pooling drops the last row and column of odd ones. Channels that only pad a group of the
  kernel count nothing, and neither do the small transforms before and after the products.
- Behind such a convolution that pools, the gradients take k^2 products for each window and pair of channels instead,
  without AVX-512 (``pooled.hpp``, argument ``sparse``). Gradients of 0 are skipped, so this is what they take at most.
- Other sizes are one matrix product: H W k^2 products for each pair of channels, in each pass.
- A linear map takes one product for each weight, in each pass; the gradient of fixed weights is not computed.
- Scattering (``scatter.hpp``) filters with symmetric taps, added before they are multiplied: 3 multiplies for the
  lowpass and 4 for the highpass, whose number is what counts here. Forward, 7 a pixel along the rows, and then for
  each quad of 2x2 pixels 2 x 3 of the pooled lowpass and 4 x (4 + 3 + 4) of the three images behind the subbands.
  Backward is the adjoint with as many multiplies; there, unlike forward, all rows of an odd height extended to an
  even one are filtered. The magnitudes are not counted.

Biases, ReLU, pooling, the loss and SGD are not counted. So nothing is credited that was not executed, and some work
that was executed is not credited: shares of a limit come out low rather than high. Only gradients behind
pooling, without AVX-512, are credited with products that zeros spare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.description import Conv, Description, Invariant, Layer, MaxPool, Project, Relu, Reshuffle, Scatter, Shape

WINOGRAD = (3, 5)  # Kernel sizes.
POINTS = 6  # Rows and columns of a tile's products.
LOW, HIGH = 3, 4  # Multiplies of the two symmetric filters.
LINE = LOW + HIGH  # A pixel filtered along its row, both ways.
QUAD = 2 * LOW + 4 * (HIGH + LOW + HIGH)  # Four pixels filtered along their columns.


@dataclass(frozen=True)
class Work:
    """Multiply-adds of one layer for one image.

    Attributes:
        name: of the layer; an invariant layer has two, its scattering and its mixing.
        outputs: of the forward pass.
        weights: of the gradient of the weights, 0 where they are fixed or there are none.
        inputs: of the gradient of the input, 0 where nobody asks for it.
    """

    name: str
    outputs: int
    weights: int
    inputs: int

    @property
    def total(self) -> int:
        """Of a training step."""
        return self.outputs + self.weights + self.inputs


def convolution(shape: Shape, outputs: int, kernel: int, pooled: bool, direct: bool) -> int:
    """Multiply-adds of one pass of a convolution.

    Args:
        shape: (C, H, W) of its input.
        outputs: channels of its output.
        kernel: its size.
        pooled: whether 2x2 max pooling follows.
        direct: count a direct convolution instead, which has to compute every output.
    """
    channels, height, width = shape
    pairs = channels * outputs
    if direct or kernel not in WINOGRAD:
        return pairs * kernel**2 * height * width
    tile = POINTS - kernel + 1
    rows, columns = (math.ceil((size - size % 2 if pooled else size) / tile) for size in (height, width))
    return pairs * POINTS**2 * rows * columns


def mixing_products(mixing: str, shape: Shape, outputs: int, pooled: bool, direct: bool) -> int:
    """Multiply-adds of one pass of a mixing of subbands; arguments as in ``convolution``."""
    channels, height, width = shape
    products = {
        "shifted-impulse": height * (3 * width - 2) / 3,
        "shifted-gaussian": height * width,
        "dct": 3 * height * width,
    }
    if direct or mixing not in products:
        return convolution(shape, outputs, 1 if mixing == "1x1" else 3, pooled, direct)
    return round(channels * outputs * products[mixing])


def pooled_gradient(shape: Shape, outputs: int, kernel: int) -> int:
    """Multiply-adds of one gradient of a convolution that pools, where it is computed window by window."""
    channels, height, width = shape
    return channels * outputs * kernel**2 * (height // 2) * (width // 2)


def scattering(name: str, shape: Shape, learned_below: bool) -> Work:
    """The work of a scattering layer."""
    channels, height, width = shape
    rows, columns = math.ceil(height / 2), math.ceil(width / 2)
    forward = channels * (LINE * height * 2 * columns + QUAD * rows * columns)
    backward = channels * (LINE * 2 * rows * 2 * columns + QUAD * rows * columns)
    return Work(name, forward, 0, backward if learned_below else 0)


def is_pooled(following: Sequence[Layer]) -> bool:
    """Whether a convolution takes in the 2x2 max pooling that follows, at once or after a ReLU."""
    after = following[1:] if following and isinstance(following[0], Relu) else following
    return bool(after) and isinstance(after[0], MaxPool)


def count_executed(description: Description, shape: Shape, *, direct: bool = False, sparse: bool = False) -> list[Work]:
    """Counts a network's layers, in the order they run; layers that multiply nothing are left out.

    Args:
        description: the network.
        shape: (C, H, W) of one image.
        direct: count convolutions as if they were computed directly, k^2 products an output: the work that other
            programs would need for the same result.
        sparse: count what the engine does without AVX-512 behind max pooling.
    """
    found: list[Work] = []
    learned = False
    layers = list(description.items())
    for place, (name, layer) in enumerate(layers):
        pooled = is_pooled([following for _, following in layers[place + 1 :]])
        match layer:
            case Scatter():
                found.append(scattering(name, shape, learned))
            case Conv(out=out, kernel=kernel):
                each = convolution(shape, out, kernel, pooled, direct)
                gradient = each
                if sparse and pooled and not direct and kernel in WINOGRAD:
                    gradient = pooled_gradient(shape, out, kernel)
                found.append(Work(name, each, gradient, gradient if learned else 0))
            case Invariant(out=out, mixing=mixing):
                found.append(scattering(f"{name}, scattering", shape, learned))
                each = mixing_products(mixing, Scatter().shape_after(shape), out, pooled, direct)
                found.append(Work(f"{name}, mixing", each, each, each if learned else 0))
            case Project(out=out) | Reshuffle(out=out):
                each = math.prod(shape) * out
                found.append(Work(name, each, each if type(layer) is Reshuffle else 0, each if learned else 0))
        learned = (
            learned or isinstance(layer, Conv | Invariant) or type(layer) is Reshuffle
        )  # A Project has fixed weights.
        shape = layer.shape_after(shape)
    return found


def count_flops_per_image(description: Description, shape: Shape, *, direct: bool = False, sparse: bool = False) -> int:
    """Floating point operations of a training step for one image: two for each multiply-add."""
    return 2 * sum(work.total for work in count_executed(description, shape, direct=direct, sparse=sparse))
