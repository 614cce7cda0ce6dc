"""What a network costs: the sums over its layers that the chapter compares."""

from __future__ import annotations

from typing import NamedTuple

from analysis.records.reader import Run

# The layers that are compared, without the linear tail, which our networks share. "own": a layer of the user's, or all
# of a network of theirs, whose classifier is not told apart: ``includes_classifier``.
COUNTED = ("conv", "invariant", "scattering", "own")


class Cost(NamedTuple):
    """Sums over the compared layers of one network, per image.

    Attributes:
        params: learned weights without biases (equation 1.4.2).
        mults: multiplies of the mixing or convolution.
        transform: multiplies of the wavelet transform (equation 1.4.3).
    """

    params: int
    mults: int
    transform: int


def find_network_cost(run: Run, name: str) -> Cost | None:
    """Sums the costs of an architecture's layers; None where the run has not counted them."""
    layers = [layer for layer in run.costs.get(name, []) if layer["kind"] in COUNTED]
    if not layers:
        return None
    return Cost(*(sum(layer[count] for layer in layers) for count in ("params", "mults", "transform_mults")))


def includes_classifier(run: Run, name: str) -> bool:
    """Whether an architecture's cost is that of all its layers, since it is a network of the user's."""
    return (run.spec.get("own") or {}).get(name, {}).get("kind") == "network"
