"""Ways to run one layer forward and backward, for the same images and the same gradient of its output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from models.description import Description
from models.native import NativeNetwork


def copy_to_blocks(x: Tensor, block: int) -> Tensor:
    """(N, C, H, W) to the native engine's (N / block, C, H, W, block); N must be a multiple of it."""
    return x.unflatten(0, (-1, block)).permute(0, 2, 3, 4, 1).contiguous()


def copy_from_blocks(blocks: Tensor) -> Tensor:
    """Back again."""
    return blocks.permute(0, 4, 1, 2, 3).flatten(0, 1).contiguous()


def put_batch_last(x: Tensor) -> Tensor:
    """The same tensor with the images next to each other in memory, as ``models.scattering`` likes it."""
    return x.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2)


def channels_last(x: Tensor) -> Tensor:
    """The same tensor with the channels next to each other in memory."""
    return x.contiguous(memory_format=torch.channels_last)


class Contender(ABC):
    """Forward and backward of one layer; calling it is what is timed."""

    @abstractmethod
    def __call__(self) -> None:
        """One forward and one backward pass: the gradients of the input and of all weights."""

    @abstractmethod
    def results(self) -> list[Tensor]:
        """Output and gradient of the input, both (N, C, H, W), then those of the weights, after a call."""


class Autograd(Contender):
    """torch, or anything that is differentiated by torch.

    Args:
        layer: the layer.
        x: the images.
        dy: the gradient of the output.
        layout: how x and dy lie in memory.
        weights: of the layer.
    """

    def __init__(
        self,
        layer: Callable[[Tensor], Tensor],
        x: Tensor,
        dy: Tensor,
        layout: Callable[[Tensor], Tensor] = Tensor.contiguous,
        weights: Sequence[Tensor] = (),
    ):
        self._layer, self._dy, self._weights = layer, layout(dy), weights
        self._x = layout(x).detach().requires_grad_()
        self._results: list[Tensor] = []

    def __call__(self) -> None:
        """Through autograd."""
        y = self._layer(self._x)
        self._results = [y.detach(), *torch.autograd.grad(y, [self._x, *self._weights], self._dy)]

    def results(self) -> list[Tensor]:
        """As torch gives them."""
        return self._results


class Native(Contender):
    """The native engine on blocks of its own layout.

    Args:
        description: of the one layer.
        module: the torch layer, which owns the weights.
        x: the images.
        dy: the gradient of the output.
    """

    def __init__(self, description: Description, module: nn.Module, x: Tensor, dy: Tensor):
        self._weights = list(module.parameters())
        self._network = NativeNetwork(description, nn.Sequential(module), x.shape[1:], input_gradient=True)
        self._x, self._dy = (copy_to_blocks(each, self._network.block) for each in (x, dy))
        self._y, self._dx = torch.empty_like(self._dy), torch.empty_like(self._x)
        self._workspace = torch.empty(len(self._x), self._network.workspace_floats)
        self._gradients: list[Tensor] = []

    def __call__(self) -> None:
        """One call of compiled code for each direction."""
        self._network.forward(self._x, self._y, self._workspace, keep=True)
        found = self._network.backward(self._x, self._dy, self._dx, self._workspace)
        self._gradients = [torch.from_numpy(found[weight]) for weight in self._weights]

    def results(self) -> list[Tensor]:
        """Converted from blocks."""
        return [copy_from_blocks(self._y), copy_from_blocks(self._dx), *self._gradients]


class Converted(Native):
    """The same for images and gradients that come and go as (N, C, H, W): the conversions are timed too."""

    def __init__(self, description: Description, module: nn.Module, x: Tensor, dy: Tensor):
        super().__init__(description, module, x, dy)
        self._plain_x, self._plain_dy = x, dy
        self._plain: list[Tensor] = []

    def __call__(self) -> None:
        """To blocks, the engine, and back."""
        self._x, self._dy = (copy_to_blocks(each, self._network.block) for each in (self._plain_x, self._plain_dy))
        super().__call__()
        self._plain = [copy_from_blocks(self._y), copy_from_blocks(self._dx)]

    def results(self) -> list[Tensor]:
        """As converted in the call."""
        return [*self._plain, *self._gradients]


def measure_difference(results: Sequence[Tensor], reference: Sequence[Tensor]) -> float:
    """The largest difference of any number, relative to the largest number of its tensor."""
    pairs = zip(results, reference, strict=True)
    return max(((a.flatten() - b.flatten()).abs().max() / b.abs().max()).item() for a, b in pairs)
