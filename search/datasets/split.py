"""What a trial trains on and what it is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.datasets.base import Dataset
from spaces.common.errors import UserError
from spaces.specs.protocol import PHASES


@dataclass(frozen=True)
class Scaling:
    """How images that are kept as they are stored become what a network sees: (grey level / 255 - mean) / std.

    Attributes:
        mean: one per channel, or one for all.
        std: in the same form.
    """

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
    """Loads the images of one phase.

    A sweep is judged on ``dataset.holdout`` training images, the last of a permutation by ``split_seed``,
    and never calls the test loader. A rerun trains on all training images and is judged on the test set.

    Images of a data set with a recipe stay as they are stored, a quarter of the size and perhaps mapped into memory:
    each batch is cropped and flipped anyway, and is normalised with that, on the device.

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
        return find_split(dataset, train.images, train.labels, test.images, test.labels)
    order = np.random.Generator(np.random.PCG64(split_seed)).permutation(len(train.labels))
    kept, held_out = np.sort(order[: -dataset.holdout]), np.sort(order[-dataset.holdout :])
    return find_split(dataset, train.images[kept], train.labels[kept], train.images[held_out], train.labels[held_out])


def find_split(
    dataset: Dataset, train_x: np.ndarray, train_y: np.ndarray, eval_x: np.ndarray, eval_y: np.ndarray
) -> Split:
    """The split of given images as stored (N, C, H, W) and labels (N,), as the data set wants them."""
    if dataset.recipe is None:
        return Split(normalize(train_x, dataset), train_y, normalize(eval_x, dataset), eval_y, None, dataset.classes)
    scaling = Scaling(tuple(np.atleast_1d(dataset.mean).tolist()), tuple(np.atleast_1d(dataset.std).tolist()))
    # A plain view of a memory map goes to the object store straight from the file.
    train_x, eval_x = (np.asarray(np.ascontiguousarray(x)) for x in (train_x, eval_x))
    return Split(train_x, train_y, eval_x, eval_y, scaling, dataset.classes)


def normalize(images: np.ndarray, dataset: Dataset) -> np.ndarray:
    """(grey level / 255 - mean) / std as float32, of the shape (N, C, H, W) of ``images``; 256 levels are looked up."""
    mean, std = (np.atleast_1d(value)[:, None] for value in (dataset.mean, dataset.std))
    levels = ((np.arange(256) / 255 - mean) / std).astype(np.float32)  # (C, 256), or (1, 256) for all channels.
    if len(levels) == 1:
        return np.ascontiguousarray(levels[0][images])
    return np.stack([level[images[:, channel]] for channel, level in enumerate(levels)], axis=1)
