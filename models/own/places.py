"""The networks around a layer of the user's: that of Table 1.1, or that of Table 1.5 with the layer in some places."""

from __future__ import annotations

from collections.abc import Callable

from models import vgg
from models.deep_layers import make_head
from models.description import Description, Shape
from models.mnist import make_network
from models.own.layers import OwnLayer
from spaces.common.errors import UserError

CHANNELS = (7, 49)
"""Of the two layers of Table 1.1."""


def describe_small(make: Callable[[int], OwnLayer], classes: int, shape: Shape) -> Description:
    """The network of Table 1.1 with the layer in place of both convolutions."""
    return make_network(*map(make, CHANNELS))(classes, shape)


def describe_deep(make: Callable[[int], OwnLayer], letters: str, width: int, classes: int, shape: Shape) -> Description:
    """The network of Table 1.5 with the layer in place of those convolutions.

    One that halves the size takes the place of a pooling, or is upsampled, as invariant layers are.

    Raises:
        UserError: it halves the size in one place and keeps it in another.
    """

    def describe(halves: bool) -> tuple[Description, list[bool]]:
        layers = vgg.list_layers(vgg.LETTERS[shape[1]], letters, make, width, "own", halves)
        description, halved, size = dict(layers) | make_head(classes), [], shape
        for layer in description.values():
            before = size
            if isinstance(layer, OwnLayer):
                halved.append(layer.shape_after(before)[1:] != before[1:])
                if halved[-1] != halves:
                    break
            size = layer.shape_after(before)
        return description, halved

    description, halved = describe(False)
    if any(halved):
        description, halved = describe(True)
        if not all(halved):
            raise UserError(f"{make(1).target.label}: halves the size in some places only; do so in all, or in none")
    return description
