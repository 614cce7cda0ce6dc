"""The eight small networks of Tables 1.1 and 1.4."""

from __future__ import annotations

from collections.abc import Callable

from models.architecture import Architecture
from models.description import Conv, Description, Invariant, Layer, MaxPool, Project, Relu, Reshuffle, Shape, Unravel

STEMS = {Conv: "conv", Invariant: "inv"}
"""With which names of layers begin; those of the user's own with ``own``."""


def make_network(*layers: Layer) -> Callable[[int, Shape], Description]:
    """What describes the layers under study before the tail of Table 1.1, for a number of classes and any images."""

    def describe(classes: int, shape: Shape) -> Description:
        described: dict[str, Layer] = {}
        for number, layer in enumerate(layers, start=1):
            described[f"{STEMS.get(type(layer), 'own')}{number}"] = layer
            described[f"relu{number}"] = Relu()
            before, shape = shape, layer.shape_after(shape)
            if shape[1:] == before[1:]:  # An invariant layer has halved the size already.
                described[f"maxpool{number}"] = MaxPool()
                shape = MaxPool().shape_after(shape)
        return described | {
            "unravel": Unravel(),
            "project": Project(classes),
            "relu_project": Relu(),  # Not in Table 1.1, but in the published code.
            "reshuffle": Reshuffle(classes),
        }

    return describe


TABLE_1_4 = {
    "conv": Architecture("Convolutional", make_network(Conv(7), Conv(49))),
    "invariant": Architecture("Invariant", make_network(Invariant(7), Invariant(49))),
    **{
        mixing: Architecture(title, make_network(Invariant(7, mixing), Invariant(49, mixing)))
        for mixing, title in {
            "shifted-impulse": "Shifted impulses (a)",
            "shifted-gaussian": "Shifted gaussians (b)",
            "random": "Random 3x3 kernel (c)",
            "learned": "Learned 3x3 kernel (d)",
            "dct": "Learned 3 DCT coeffs (e)",
        }.items()
    },
    "wide-conv": Architecture("Wide Convolutional", make_network(Conv(10, kernel=5), Conv(100, kernel=5))),
}
"""The networks of the chapter, in its order."""
