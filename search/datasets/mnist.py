"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28 grey levels."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from search.datasets.base import Arrays, Dataset, hash_of
from search.datasets.files.store import DataFile, Store
from search.datasets.idx import parse_idx
from spaces.common.errors import UserError

IMAGES, LABELS = "{}-images-idx3-ubyte", "{}-labels-idx1-ubyte"
FILES = (
    DataFile(IMAGES.format("train"), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47_040_016),
    DataFile(LABELS.format("train"), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_008),
    DataFile(IMAGES.format("t10k"), "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7_840_016),
    DataFile(LABELS.format("t10k"), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_008),
)
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def load_part(store: Store, part: str, root: Path | None = None) -> Arrays:
    """Loads the part ``train`` or ``t10k``, downloading its two files if they are missing.

    The files of the other part are not touched.

    Returns:
        Images (N, 1, 28, 28) and labels (N,).

    Raises:
        UserError: a file cannot be had, or is not the published one.
    """
    names = (IMAGES.format(part), LABELS.format(part))
    files = {file.name: file for file in store.files if file.name in names}
    folder = store.fetch(root, files=tuple(files.values()))
    images, labels = (
        parse_idx(store.read_cached(files[name], root), dims, f"{folder}: {name}")
        for name, dims in zip(names, (3, 1), strict=True)
    )
    if images.shape[1:] != (28, 28) or labels.max() > 9:
        raise UserError(f"{folder}: {names[0]} and {names[1]} are not 28x28 images and labels 0..9")
    return Arrays(images[:, None], labels.astype(np.int64))


def mnist(store: Store) -> Dataset:
    """The data set over the files of ``store``."""
    return Dataset(
        name="mnist",
        title="MNIST, 60,000 + 10,000 handwritten digits",
        train_images=60_000,
        input_shape=(1, 28, 28),
        classes=10,
        batch_size=64,
        holdout=10_000,
        mean=0.1307,
        std=0.3081,
        load_train=partial(load_part, store, "train"),
        load_test=partial(load_part, store, "t10k"),
        fingerprint=partial(hash_of, [(file.name, file.sha256) for file in store.files]),
        store=store,
    )


MNIST = mnist(Store("mnist", FILES, MIRRORS))
