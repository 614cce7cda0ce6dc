"""What a data set is: images, labels, and the numbers that a training needs to know about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.datasets.files.archive import Archive
from search.datasets.files.store import Store
from spaces.common.errors import UserError
from spaces.hyperparameters import Hyperparameters
from spaces.specs.protocol import MAX_EPOCHS
from spaces.specs.recipes import BATCH_SIZE, Recipe


@dataclass(frozen=True, eq=False)
class Arrays:
    """Images as stored, uint8 (N, C, H, W), grey levels or colours, and their labels, int64 (N,), counted from 0.

    Raises:
        UserError: the two do not belong together.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise UserError(f"images must be uint8 (N, C, H, W), not {self.images.dtype} {self.images.shape}")
        if self.labels.dtype != np.int64 or self.labels.shape != self.images.shape[:1]:
            raise UserError(
                f"labels must be int64, one for each of the {len(self.images)} images, "
                f"not {self.labels.dtype} {self.labels.shape}"
            )


@dataclass(frozen=True)
class Dataset:
    """A data set by name, with its training and test part behind separate loaders.

    Attributes:
        name: its key in ``DATASETS``.
        title: one line for people.
        train_images: images in its training part.
        input_shape: (C, H, W) of one image.
        classes: number of classes.
        holdout: training images that a sweep holds out for validation.
        mean: subtracted from grey levels scaled to 0..1; one number per channel if there are several.
        std: divides the result, in the same form.
        load_train: loads the training part; its argument is the data folder, None for the usual one.
        load_test: loads the test part in the same way.
        fingerprint: a hash of all images and labels, computed without reading a file of the test part.
        batch_size: images per SGD step in its recipe.
        store: its files, if it is published as separate files.
        archive: its archive, if it is published as one.
        epochs: how long its trials are trained by default.
        recipe: the schedule and augmentation of its trainings, if any.
        theta: the published hyperparameters, if all its architectures share one set.
        source: where data of one's own were read, as a run keeps it; None for a built-in data set.
    """

    name: str
    title: str
    train_images: int
    input_shape: tuple[int, int, int]
    classes: int
    holdout: int
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    load_train: Callable[[Path | None], Arrays]
    load_test: Callable[[Path | None], Arrays]
    fingerprint: Callable[[], str]
    batch_size: int = BATCH_SIZE
    store: Store | None = None
    archive: Archive | None = None
    epochs: int = MAX_EPOCHS
    recipe: Recipe | None = None
    theta: Hyperparameters | None = None
    source: str | None = None

    @property
    def data_hash(self) -> str:
        """Names everything about the data that decides a trial's result, in 16 hexadecimal digits."""
        content = [self.fingerprint(), self.input_shape, self.classes, self.holdout, self.mean, self.std]
        return compute_hash(content)[:16]


def compute_hash(content: object) -> str:
    """The SHA-256 of plain data, such as the names and published hashes of files that need not be there.

    >>> compute_hash([["a.bin", "d41d8cd9"]])[:16]
    '3f1c58ae642bbe83'
    """
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
