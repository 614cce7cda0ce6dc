"""What a trial trains on and what it is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.datasets.base import Dataset
from spaces.errors import UserError
from spaces.trial import PHASES


@dataclass(frozen=True, eq=False)
class Split:
    """Normalised images and labels, C-contiguous so that Ray's object store shares them without a copy.

    Attributes:
        train_x: float32 (N, C, H, W).
        train_y: int64 (N,).
        eval_x: float32 (M, C, H, W).
        eval_y: int64 (M,).
    """

    train_x: np.ndarray
    train_y: np.ndarray
    eval_x: np.ndarray
    eval_y: np.ndarray


def load_split(dataset: Dataset, phase: str, split_seed: int | None, root: Path | None = None) -> Split:
    """Loads the images of one phase.

    A sweep is judged on ``dataset.holdout`` training images, the last of a permutation by ``split_seed``,
    and never calls the test loader. A rerun trains on all training images and is judged on the test set.

    Args:
        dataset: the data set.
        phase: ``sweep`` or ``rerun``.
        split_seed: chooses the held-out images; a rerun holds none out and does not use it.
        root: the data folder, None for the usual one.

    Raises:
        UserError: unknown phase, no usable ``split_seed``, or the files cannot be had.
    """
    if phase not in PHASES:
        raise UserError(f"phase: {phase!r} is unknown; allowed are {', '.join(PHASES)}")
    if phase == "sweep" and (split_seed is None or split_seed < 0):
        raise UserError(f"split_seed: {split_seed!r} is not allowed; give an integer of at least 0")
    train = dataset.load_train(root)
    if phase == "rerun":
        test = dataset.load_test(root)
        return Split(normalised(train.images, dataset), train.labels, normalised(test.images, dataset), test.labels)
    order = np.random.Generator(np.random.PCG64(split_seed)).permutation(len(train.labels))
    kept, held_out = np.sort(order[: -dataset.holdout]), np.sort(order[-dataset.holdout :])
    return Split(
        normalised(train.images[kept], dataset),
        train.labels[kept],
        normalised(train.images[held_out], dataset),
        train.labels[held_out],
    )


def normalised(images: np.ndarray, dataset: Dataset) -> np.ndarray:
    """(grey level / 255 - mean) / std as float32, of the shape of ``images``; a table look-up for the 256 levels."""
    levels = (np.arange(256) / 255 - dataset.mean) / dataset.std
    return np.ascontiguousarray(levels.astype(np.float32)[images])
