"""The folders that torchvision downloads data sets into: MNIST and its like, CIFAR-10 and CIFAR-100 for Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from search.datasets.files.verify import UnusableFileError, open_limited
from search.datasets.own.idx import find_sets, open_idx
from search.datasets.own.parts import Parts, Source, list_folder, make_parts, refusing
from search.datasets.own.pickles import read_pickle
from search.datasets.own.reference import Reference
from spaces.common.errors import UserError, shorten

SHAPE = (3, 32, 32)
MOST = 2**28  # Bytes of a pickle; the largest, of CIFAR-100, has 155 MB.


@dataclass(frozen=True)
class Batches:
    """The pickles of a data set: the folder that they are in, their names, and what they call the labels."""

    folder: str
    train: Sequence[str]
    test: Sequence[str]
    labels: str


CIFAR = (
    Batches("cifar-10-batches-py", [f"data_batch_{number}" for number in range(1, 6)], ["test_batch"], "labels"),
    Batches("cifar-100-python", ["train"], ["test"], "fine_labels"),
)


def open_torchvision(reference: Reference) -> Source:
    """The one data set in a folder: its ``root`` for torchvision, or a folder in it.

    Raises:
        UserError: no such folder, or not one data set in it.
    """
    top = reference.path
    places = [top, *(top / name for name in list_folder(top) if os.path.isdir(top / name))]
    idx = [place for place in (*places, *(place / "raw" for place in places)) if place.is_dir() and find_sets(place)]
    pickled = [(place, kind) for kind in CIFAR for place in places if _has(place, kind)]
    found = sorted({*idx, *(place for place, _ in pickled)})
    if len(found) > 1:
        several = shorten(" or ".join(f"torchvision:{place}" for place in found), 400)
        raise UserError(f"{top}: has several data sets; give {several}")
    if not found:
        known = ", ".join(("MNIST/raw", "FashionMNIST/raw", *(kind.folder for kind in CIFAR)))
        raise UserError(f"{top}: has no data set as torchvision downloads it; give the folder above {known}, or that")
    if idx:
        return open_idx(replace(reference, path=found[0]))
    [(place, kind)] = pickled
    if reference.subset is not None:
        raise UserError(f"subset: {place} holds one data set; leave it out")
    names = [*kind.train, *kind.test]
    if lacking := [name for name in names if not os.path.isfile(place / name)]:
        raise UserError(f"{place}: lacks {', '.join(lacking)}; download it again")
    return Source([place / name for name in names], lambda: read_batches(place, kind))


def _has(place: Path, kind: Batches) -> bool:
    return os.path.isfile(place / kind.train[0]) and (place.name == kind.folder or os.path.isfile(place / kind.test[0]))


def read_batches(place: Path, kind: Batches) -> Parts:
    """The parts in CIFAR's pickles.

    Raises:
        UserError: one is damaged, asks for code, or is not what CIFAR's are.
    """
    arrays = {}
    for part, names in (("train", kind.train), ("test", kind.test)):
        batches = [_read_batch(place / name, kind.labels) for name in names]
        arrays[f"x_{part}"] = np.concatenate([images for images, _ in batches])
        arrays[f"y_{part}"] = np.concatenate([labels for _, labels in batches])
    return make_parts(arrays, str(place))


def _read_batch(path: Path, labels: str) -> tuple[np.ndarray, np.ndarray]:
    with refusing(path, "a pickle as CIFAR's are", "download it again"):
        with open_limited(path, MOST) as file:
            content = read_pickle(file.read())
        images, numbers = content.get("data"), content.get(labels)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (np.prod(SHAPE),):
            raise UnusableFileError("has no images of CIFAR: data, uint8 (N, 3072)")
        if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
            raise UnusableFileError(f"has no labels of CIFAR: {labels}, a list of whole numbers")
        if len(numbers) != len(images):
            raise UnusableFileError(f"has {len(images)} images and {len(numbers)} labels")
    return images.reshape(-1, *SHAPE), np.array(numbers, np.int64)
