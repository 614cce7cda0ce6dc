"""The user's classes and functions as layers of a description."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models.description import Layer, Shape
from models.own.signatures import Signature
from spaces.common.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import nn

PROBED = 2
"""Images that a module is tried on, to find the shape of what it gives."""


@dataclass(frozen=True, eq=False)
class Target:
    """A class or function of the user's.

    Attributes:
        label: what messages call it.
        call: the class or function.
        signature: what it takes.
        owns: whether a traceback's file is the user's.
        shapes: what was found of the layers that it makes: the shape of the output, by all that decides it.
    """

    label: str
    call: Callable[..., Any]
    signature: Signature
    owns: Callable[[str], bool]
    shapes: dict[Any, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnPart(Layer):
    """A module that the user's code makes.

    Attributes:
        target: makes it.
        out: channels of its output, or classes.
        further: hyperparameters that its constructor gets, in order.
    """

    target: Target
    out: int
    further: tuple[tuple[str, Any], ...] = ()

    def shape_after(self, shape: Shape) -> Shape:
        """The shape of the output, found by trying the module on two black images.

        On the CPU, where it will be built, and not on the meta device: what a module's file keeps for later calls, such
        as a basis of an image's size, would stay there without numbers.

        Raises:
            UserError: it is not allowed there.
        """
        known = self.target.shapes
        key = (self.out, self.further, shape)
        if key not in known:
            known[key] = self._probe(shape)
        return known[key]

    def _probe(self, shape: Shape) -> Shape:
        import torch

        from models.own.seeding import seeded

        with torch.device("cpu"), torch.no_grad(), seeded(0):
            output = self._make(shape, 1.0).eval()(torch.zeros(PROBED, *shape))
        given = tuple(output.shape) if isinstance(output, torch.Tensor) else None
        if given is None or given[:1] != (PROBED,) or not self.allows(shape, given[1:]):
            if given is None:
                what = f"gives a {type(output).__name__}"
            elif given[:1] == (PROBED,):
                what = f"maps {format_batch(shape)} to {format_batch(given[1:])}"
            else:
                what = f"gives {given} of a batch of {PROBED}"
            raise UserError(f"{self.target.label}: {what}; it must give {self.describe_allowed(shape)}")
        return given[1:]

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        """The module; what its constructor draws is a function of the generator's state."""
        import torch

        from models.own.seeding import seeded

        seed = int(torch.randint(2**62, (), generator=generator))
        with torch.device("cpu"), seeded(seed):
            return self._make(shape, gain).train()

    def _make(self, shape: Shape, gain: float) -> nn.Module:
        import torch
        from torch import nn
        from torch.nn.parameter import is_lazy

        from models.own.weights import scale_weights

        signature = self.target.signature
        more: Mapping[str, Any] = {**dict(self.further), **({"gain": gain} if signature.gain else {})}
        module = self.target.call(self.first(shape), self.out, **more)
        if not isinstance(module, nn.Module):
            raise UserError(f"{self.target.label}: returns a {type(module).__name__}; return an nn.Module")
        if any(is_lazy(tensor) for tensor in (*module.parameters(), *module.buffers())):
            with torch.no_grad():
                module.eval()(torch.zeros(PROBED, *shape))
        if signature.kind == "layer" and not signature.gain:
            scale_weights(module, gain)
        return module

    @abstractmethod
    def first(self, shape: Shape) -> Any:
        """The constructor's first argument."""

    @abstractmethod
    def allows(self, before: Shape, after: Shape) -> bool:
        """Whether it may map images of the one shape to the other."""

    @abstractmethod
    def describe_allowed(self, before: Shape) -> str:
        """What it may give, for messages."""


class OwnLayer(OwnPart):
    """A layer of the user's, which keeps the size of an image or halves it."""

    def first(self, shape: Shape) -> int:
        """The number of channels."""
        return shape[0]

    def allows(self, before: Shape, after: Shape) -> bool:
        """Whether it keeps the size, or halves it; odd sizes are rounded as it likes."""
        return len(after) == 3 and after[0] == self.out and (after[1:] == before[1:] or is_halved(before, after))

    def describe_allowed(self, before: Shape) -> str:
        """Both sizes."""
        channels, height, width = self.out, *before[1:]
        half = (channels, -(-height // 2), -(-width // 2))
        return f"{format_batch((channels, height, width))}, or {format_batch(half)} if it halves the size"


class OwnNetwork(OwnPart):
    """A whole network of the user's."""

    def first(self, shape: Shape) -> Shape:
        """The shape of an image."""
        return tuple(shape)

    def allows(self, before: Shape, after: Shape) -> bool:
        """Whether it gives one score a class."""
        return after == (self.out,)

    def describe_allowed(self, before: Shape) -> str:
        """Scores."""
        return f"{format_batch((self.out,))}, one score a class"


def is_halved(before: Shape, after: Shape) -> bool:
    """Whether height and width are half as large, rounded up or down."""
    return len(after) == 3 and all(
        half in (size // 2, -(-size // 2)) for size, half in zip(before[1:], after[1:], strict=True)
    )


def format_batch(shape: Shape) -> str:
    """The shape of a batch of any size.

    >>> format_batch((7, 28, 28))
    '(N, 7, 28, 28)'
    """
    return f"({', '.join(map(str, ('N', *shape)))})"
