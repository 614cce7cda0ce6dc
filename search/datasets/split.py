"""What a trial trains on and what it is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.datasets.base import Arrays, Dataset
from spaces.common.errors import UserError
from spaces.specs.protocol import PHASES

FEW = 64  # Images whose levels are looked up at once: many would not fit a cache, and take four times as long.


@dataclass(frozen=True)
class Scaling:
    """How images as stored become what a network sees: (grey level / 255 - mean) / std, per channel or one for all."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Split:
    """Images and labels, C-contiguous so that Ray's object store shares them without a copy.

    Attributes:
        train_x: float32 (N, C, H, W), normalised; or uint8, as stored, if there is a ``scaling``.
        train_y: int64 (N,).
        eval_x: (M, C, H, W), in the same form.
        eval_y: int64 (M,).
        scaling: what remains to be done with every batch; None if the images are normalised.
        classes: how many there are; None: as many as the trial's data set has.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    eval_x: np.ndarray
    eval_y: np.ndarray
    scaling: Scaling | None = None
    classes: int | None = None


def load_split(dataset: Dataset, phase: str, split_seed: int | None, root: Path | None = None) -> Split:
    """Loads the images of one phase from the data folder ``root``, None for the usual one.

    A sweep, like the race of its finalists, is judged on ``dataset.holdout`` training images, the last of a
    permutation by ``split_seed``, and never calls the test loader. A rerun trains on all training images and is judged
    on the test set.

    Images that a recipe crops or flips stay as they are stored, a quarter of the size and perhaps mapped into memory:
    each batch is normalised with that, on the device.

    Raises:
        UserError: unknown phase, no usable ``split_seed``, or the files cannot be had.
    """
    if phase not in PHASES:
        raise UserError(f"phase: {phase!r} is unknown; allowed are {', '.join(PHASES)}")
    if phase != "rerun" and (split_seed is None or split_seed < 0):
        raise UserError(f"split_seed: {split_seed!r} is not allowed; give an integer of at least 0")
    train = dataset.load_train(root)
    if phase == "rerun":
        return make_split(dataset, train, dataset.load_test(root))
    order = np.random.Generator(np.random.PCG64(split_seed)).permutation(len(train.labels))
    parts = np.sort(order[: -dataset.holdout]), np.sort(order[-dataset.holdout :])
    return make_split(dataset, *(Arrays(train.images[part], train.labels[part]) for part in parts))


def make_split(dataset: Dataset, train: Arrays, judged: Arrays) -> Split:
    """The split of images to train and to be judged on, as the data set wants them."""
    scaling = None
    if dataset.recipe is None or not dataset.recipe.augments:
        train_x, eval_x = normalize(train.images, dataset), normalize(judged.images, dataset)
    else:
        scaling = Scaling(tuple(np.atleast_1d(dataset.mean).tolist()), tuple(np.atleast_1d(dataset.std).tolist()))
        # A plain view of a memory map goes to the object store straight from the file.
        train_x, eval_x = (np.asarray(np.ascontiguousarray(part.images)) for part in (train, judged))
    return Split(train_x, train.labels, eval_x, judged.labels, scaling, dataset.classes)


def normalize(images: np.ndarray, dataset: Dataset) -> np.ndarray:
    """(grey level / 255 - mean) / std as float32, of the shape (N, C, H, W) of ``images``; 256 levels are looked up."""
    mean, std = (np.atleast_1d(value)[:, None] for value in (dataset.mean, dataset.std))
    levels = ((np.arange(256) / 255 - mean) / std).astype(np.float32)  # (C, 256), or (1, 256) for all channels.
    if len(levels) == 1:
        found = np.empty(images.shape, np.float32)
        for start in range(0, len(images), FEW):
            np.take(levels[0], images[start : start + FEW], out=found[start : start + FEW], mode="clip")
        return found
    return np.stack([level[images[:, channel]] for channel, level in enumerate(levels)], axis=1)
