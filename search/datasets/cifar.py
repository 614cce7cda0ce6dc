"""The binary CIFAR layout (https://www.cs.toronto.edu/~kriz/cifar.html): records of labels and 3x32x32 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from search.datasets.base import Arrays, Dataset, compute_hash
from search.datasets.files.archive import Archive
from spaces.common.errors import UserError
from spaces.specs import recipes

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)

# What people may have in place of the right archive: file, MD5 (from the CIFAR page), folder inside, description.
_PUBLISHED = (
    ("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", "cifar-10-batches-py", "CIFAR-10 for Python"),
    ("cifar-10-matlab.tar.gz", "70270af85842c9e89bb428ec9976c926", "cifar-10-batches-mat", "CIFAR-10 for Matlab"),
    ("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", "cifar-10-batches-bin", "CIFAR-10 in binary"),
    ("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", "cifar-100-python", "CIFAR-100 for Python"),
    ("cifar-100-matlab.tar.gz", "6a4bfa1dcd5c9453dda6bb54194911f4", "cifar-100-matlab", "CIFAR-100 for Matlab"),
    ("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", "cifar-100-binary", "CIFAR-100 in binary"),
)
OTHERS = {key: words for file, md5, folder, words in _PUBLISHED for key in (file, md5, folder)}


@dataclass(frozen=True)
class Layout:
    """The labels of a record: ``label_bytes`` of them; the last one counts (CIFAR-100: coarse, then fine)."""

    label_bytes: int
    classes: int

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return self.label_bytes + PIXELS


CIFAR_10, CIFAR_100 = Layout(1, 10), Layout(2, 100)


def parse_cifar(content: bytes, layout: Layout, where: str) -> Arrays:
    """Reads a file of records: the labels, then the red, green and blue plane of an image, row by row.

    Returns:
        Images (N, 3, 32, 32), a read-only view of ``content``, and labels (N,).

    Raises:
        UserError: the file ``where`` has no records or not whole ones, or an invalid label.
    """
    count, rest = divmod(len(content), layout.record)
    if rest or not count:
        raise UserError(
            f"{where}: {len(content)} bytes are not whole records of {layout.record} bytes; the file is empty, "
            "truncated or of another format"
        )
    records = np.frombuffer(content, np.uint8).reshape(count, layout.record)
    labels = records[:, layout.label_bytes - 1].astype(np.int64)
    if labels.max() >= layout.classes:
        raise UserError(
            f"{where}: label {labels.max()} in record {labels.argmax() + 1}, allowed are 0 to {layout.classes - 1}; "
            "the file is damaged or of another format"
        )
    return Arrays(records[:, layout.label_bytes :].reshape(count, *SHAPE), labels)


def join_parts(parts: list[Arrays]) -> Arrays:
    """The images and labels of several files, one after the other."""
    return Arrays(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def load_members(archive: Archive, layout: Layout, names: Sequence[str], root: Path | None = None) -> Arrays:
    """Loads the files ``names`` of an archive, downloading it if it is missing.

    Raises:
        UserError: the archive cannot be had, or is not the published one.
    """
    where, contents = archive.read_cached(root, names)
    return join_parts([parse_cifar(contents[name], layout, f"{where}: {name}") for name in names])


def make_cifar(
    title: str,
    layout: Layout,
    train: Sequence[str],
    test: Sequence[str],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    archive: Archive,
) -> Dataset:
    """The data set whose images are in the files ``train`` and ``test`` of an archive."""
    images = sum(archive.members[name].size for name in train) // layout.record
    return Dataset(
        name=archive.name,
        title=title,
        train_images=images,
        input_shape=SHAPE,
        classes=layout.classes,
        holdout=images // 10,
        mean=mean,
        std=std,
        load_train=partial(load_members, archive, layout, train),
        load_test=partial(load_members, archive, layout, test),
        fingerprint=partial(compute_hash, [archive.file, archive.md5]),
        archive=archive,
        epochs=recipes.CIFAR.epochs,
        recipe=recipes.CIFAR,
        theta=recipes.THETA,
    )
