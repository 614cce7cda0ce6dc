"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28 grey levels."""

from __future__ import annotations

import math
import struct
from functools import partial
from pathlib import Path

import numpy as np

from search.datasets.base import Arrays, Dataset, compute_hash
from search.datasets.files.store import DataFile, Store
from spaces.common.errors import UserError

IMAGES, LABELS = "{}-images-idx3-ubyte", "{}-labels-idx1-ubyte"
FILES = (
    DataFile(IMAGES.format("train"), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47_040_016),
    DataFile(LABELS.format("train"), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_008),
    DataFile(IMAGES.format("t10k"), "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7_840_016),
    DataFile(LABELS.format("t10k"), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_008),
)
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")


def parse_idx(content: bytes, dims: int, where: str) -> np.ndarray:
    """Reads an IDX array of unsigned bytes: uint8, a read-only view of ``content`` with ``dims`` dimensions.

    The format (http://yann.lecun.com/exdb/mnist): two zero bytes, the element type (0x08, unsigned byte), the number of
    dimensions, each dimension as a big-endian 32-bit integer, then the elements, the last dimension fastest.

    Raises:
        UserError: the file ``where`` is not such a file, or its size is not what its header says.
    """
    start = 4 + 4 * dims
    magic = bytes((0, 0, 0x08, dims))
    if content[:4] != magic or len(content) < start:
        raise UserError(
            f"{where}: not an IDX file of {dims} dimensions: it must begin with the bytes {magic.hex(' ')} and "
            f"{dims} sizes, and begins with {content[:start].hex(' ') or 'nothing'}"
        )
    shape = struct.unpack(f">{dims}I", content[4:start])
    if 0 in shape or math.prod(shape) != len(content) - start:
        raise UserError(
            f"{where}: its header promises {' x '.join(map(str, shape))} bytes, {len(content) - start} follow; "
            "the file is empty, truncated or damaged"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def load_part(store: Store, part: str, root: Path | None = None) -> Arrays:
    """Loads the part ``train`` or ``t10k``, downloading its two files if they are missing, without touching the others.

    Returns:
        Images (N, 1, 28, 28) and labels (N,).

    Raises:
        UserError: a file cannot be had, or is not the published one.
    """
    files = [file for name in (IMAGES, LABELS) for file in store.files if file.name == name.format(part)]
    folder = store.fetch(root, files=files)
    images, labels = (
        parse_idx(store.read_cached(file, root), dims, f"{folder}: {file.name}")
        for file, dims in zip(files, (3, 1), strict=True)
    )
    if images.shape[1:] != (28, 28) or labels.max() > 9:
        raise UserError(f"{folder}: {' and '.join(file.name for file in files)} are not 28x28 images and labels 0..9")
    return Arrays(images[:, None], labels.astype(np.int64))


def make_mnist(store: Store) -> Dataset:
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
        fingerprint=partial(compute_hash, [(file.name, file.sha256) for file in store.files]),
        store=store,
    )


MNIST = make_mnist(Store("mnist", FILES, MIRRORS))
