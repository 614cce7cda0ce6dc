"""Material written by hand."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from analysis.replay.material import Material


@pytest.fixture
def make_material() -> Callable[..., Material]:
    """Makes a material of curves; one that is shorter than the longest diverged in its last epoch."""

    def make(curves: Sequence[Sequence[float]], grace_period: int = 1, eta: float = 2.0) -> Material:
        epochs = max(map(len, curves))
        last = np.array([len(curve) for curve in curves])
        diverged = last < epochs
        accuracy = np.zeros((len(curves), epochs))
        for place, curve in enumerate(curves):
            accuracy[place, : len(curve)] = curve
            if diverged[place]:
                accuracy[place, len(curve) - 1] = 0.0
        names = tuple(f"c{place:03d}" for place in range(len(curves)))
        seconds = (np.arange(epochs) < last[:, None]).astype(float)
        return Material("Net", names, accuracy, 1 - accuracy, seconds, last, diverged, grace_period, eta)

    return make


@pytest.fixture
def noisy(make_material: Callable[..., Material]) -> Material:
    """60 curves of 20 epochs whose early accuracies say something of the later ones, with ties; nine diverged."""
    random = np.random.default_rng(7)
    ends = random.uniform(0.3, 1.0, size=60)
    curves = [
        np.round(end * (1 - 0.8 ** np.arange(1, 21)) + random.normal(0, 0.05, size=20), 2).clip(0.01, 1.0).tolist()
        for end in ends
    ]
    for place, length in zip(range(0, 54, 6), (1, 2, 4, 5, 5, 6, 12, 19, 5), strict=True):
        curves[place] = curves[place][:length]
    return make_material(curves, grace_period=5, eta=4.0)
