"""The images to measure on: MNIST where it is, else random ones of the same size."""

from __future__ import annotations

import numpy as np

from search.datasets import MNIST, Arrays


def mnist_is_here() -> bool:
    """Whether MNIST's files are in the data folder; nothing is downloaded."""
    store = MNIST.store
    return store is not None and not store.find_missing(store.find_folder())


def load_pictures(count: int, *, real: bool) -> Arrays:
    """The first images of MNIST's training part, or random ones of its size."""
    if real:
        found = MNIST.load_train(None)
        return Arrays(found.images[:count], found.labels[:count])
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, *MNIST.input_shape), dtype=np.uint8)
    return Arrays(images, generator.integers(0, MNIST.classes, count))
