"""The hybrid ScatterNets A to D of Table 1.7: a second-order scattering front end, then convolutions with dropout.

The two scattering layers are fixed in A and C and mixed by learned weights in B and D; C and D have a convolution
before them. Fixed layers stand alone: batch normalisation between the orders, which the published code has, would
learn there, and the chapter has `no learning in between scattering orders`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from models.architecture import Family, make_at_width
from models.deep_layers import BareConv, BareInvariant, Dropout, make_head, normalise
from models.description import SUBBANDS, Description, Layer, MaxPool, Scatter, Shape

KINDS = {"A": (False, False), "B": (False, True), "C": (True, False), "D": (True, True)}
"""Whether there is a convolution before the scattering, and whether the scattering is mixed."""

BACK_END = {32: "CDEF", 64: "CDEFGH"}
"""The convolutions after the scattering for images of that size: of 2C, 2C, 4C, 4C, 8C and 8C channels."""

FRONT = 16  # Channels of the convolution before the scattering.
DROPPED = 0.3
WIDTH = 96


def list_layers(kind: str, width: int, shape: Shape) -> Iterator[tuple[str, Layer]]:
    """Names and layers down to the last 8 x 8 activations."""
    front, mixed = KINDS[kind]
    channels = FRONT if front else shape[0]
    if front:
        yield "convA", BareConv(FRONT)
        yield from normalise("A")
    for order in (1, 2):
        if mixed:
            yield f"inv{order}", BareInvariant(channels * SUBBANDS**order)
            yield from normalise(str(order))
        else:
            yield f"scat{order}", Scatter()
    for place, letter in enumerate(BACK_END[shape[1]]):
        if place == 4:
            yield "pool", MaxPool()
        yield f"conv{letter}", BareConv(2 * width << place // 2)
        yield from normalise(letter)
        yield f"dropout{letter}", Dropout(DROPPED)


def describe(kind: str, width: int, classes: int, shape: Shape) -> Description:
    """The network for images of a size of ``BACK_END``."""
    return dict(list_layers(kind, width, shape)) | make_head(classes)


FAMILY = Family(
    about="Table 1.7: second-order scattering, fixed or mixed, alone or after a convolution, then a convolutional net",
    words="scatnetA to scatnetD, for another width than 96 with -w16",
    width=WIDTH,
    members={
        f"scatnet{kind}": partial(make_at_width, f"ScatNet {kind}", WIDTH, partial(describe, kind), tuple(BACK_END))
        for kind in KINDS
    },
    typical=tuple(f"scatnet{kind}" for kind in KINDS),
)
