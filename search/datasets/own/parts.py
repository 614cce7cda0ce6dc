"""A training and a test part as they come out of people's files and arrays, checked and in one order of axes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from search.datasets.files.verify import UnusableFileError, reading
from spaces.common.errors import UserError

PIECE = 1000  # Images.
CHANNELS = (1, 2, 3, 4)  # What an axis of an image is so short for that it is no height or width.
SYSTEMS = ("Thumbs.db", "desktop.ini", "__MACOSX")
LIMIT = 2**31  # Of labels, above and below 0.
NAMES = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, eq=False)
class Part:
    """Images and labels of a part.

    Attributes:
        shape: (N, C, H, W).
        labels: int64 (N,), counted from 0.
        pieces: the images in their order, uint8 (n, C, H, W) each; read once.
    """

    shape: tuple[int, int, int, int]
    labels: np.ndarray
    pieces: Iterable[np.ndarray]


@dataclass(frozen=True, eq=False)
class Parts:
    """Both parts, how many classes they have, and what people are told of how they were read, a line each."""

    train: Part
    test: Part
    classes: int
    notes: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Source:
    """The files that data are read from, all of them, and what reads them."""

    files: Sequence[Path]
    read: Callable[[], Parts]


@contextmanager
def refusing(path: Path, what: str, advice: str) -> Iterator[None]:
    """Whatever is wrong with a file that is read as ``what``, "a PNG", becomes one line with its path and ``advice``.

    Raises:
        UserError: that line.
    """
    try:
        with reading(what):
            yield
    except UnusableFileError as reason:
        raise UserError(f"{path} {reason}; {advice}") from None


def list_folder(folder: Path) -> list[str]:
    """The names in a folder, in order, without hidden ones and those of systems.

    Raises:
        UserError: no folder, or it cannot be looked into.
    """
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith(".") and name not in SYSTEMS)
    except NotADirectoryError:
        raise UserError(f"dataset: {folder}: not a folder; give the one that holds the files") from None
    except FileNotFoundError:
        raise UserError(f"dataset: {folder}: no such folder; give the one that holds the files") from None
    except OSError as error:
        raise UserError(f"dataset: {folder}: cannot be read ({error.strerror}); make it readable") from None


def make_parts(arrays: Mapping[str, Any], where: str) -> Parts:
    """The parts in four arrays; ``where`` names them in messages.

    Args:
        arrays: by ``NAMES``. Images are uint8 (N, H, W), (N, C, H, W) or (N, H, W, C), labels whole numbers (N,).
        where: the file they come from, or what else they are called.

    Raises:
        UserError: an array is missing, or of another type or shape, or two do not belong together.
    """
    if lacking := [name for name in NAMES if name not in arrays]:
        has = ", ".join(sorted(map(str, arrays))) or "none"
        raise UserError(f"{where}: lacks {', '.join(lacking)}; its arrays are {has}; give {', '.join(NAMES)}")
    found = {name: np.asarray(arrays[name]) for name in NAMES}
    (train_x, layout), (test_x, _) = (order_axes(found[name], f"{where}: {name}") for name in ("x_train", "x_test"))
    if train_x.shape[1:] != test_x.shape[1:]:
        raise UserError(
            f"{where}: images of x_train are {train_x.shape[1:]} and those of x_test {test_x.shape[1:]}, as (C, H, W); "
            "make both of one size"
        )
    train_y = check_labels(found["y_train"], len(train_x), f"{where}: y_train")
    test_y = check_labels(found["y_test"], len(test_x), f"{where}: y_test")
    train_y, test_y, classes, notes = number_classes(train_y, test_y, where)
    note = f"{where}: images are taken as {layout}, {describe_shape(train_x.shape[1:])}"
    return Parts(_cut(train_x, train_y), _cut(test_x, test_y), classes, [note, *notes])


def _cut(images: np.ndarray, labels: np.ndarray) -> Part:
    return Part(images.shape, labels, (images[start : start + PIECE] for start in range(0, len(images), PIECE)))


def order_axes(images: np.ndarray, where: str) -> tuple[np.ndarray, str]:
    """Images as (N, C, H, W), a view, and which order of axes they were in.

    An axis of at most four is one of channels.

    Raises:
        UserError: no uint8, no images, or their axes could be in either order.
    """
    if images.dtype != np.uint8:
        scaled = "multiply by 255 if they are 0 to 1, and " if images.dtype.kind == "f" else ""
        raise UserError(
            f"{where}: {images.dtype} is not a type for images; {scaled}use .astype('uint8'), levels 0 to 255"
        )
    shape = images.shape
    wanted = "(N, H, W), (N, C, H, W) or (N, H, W, C)"
    if 0 in shape or len(shape) not in (3, 4):
        flat = "; reshape flat images" if len(shape) == 2 and shape[0] else ""
        raise UserError(f"{where}: {shape} is not a shape of images; give {wanted}{flat}")
    if len(shape) == 3:
        return images[:, None], "(N, H, W)"
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if first == last:
        why = "both its second and its last axis could be channels" if first else "neither the second nor the last axis"
        raise UserError(
            f"{where}: {shape} is ambiguous, {why}{'' if first else ' is one of 1 to 4 channels'}; give {wanted}, "
            "of images larger than 4 pixels"
        )
    return (images, "(N, C, H, W)") if first else (images.transpose(0, 3, 1, 2), "(N, H, W, C)")


def describe_shape(shape: Sequence[int]) -> str:
    """What an image of (C, H, W) is: ``28x28 grey`` or ``32x32 colour``; the height first."""
    channels, height, width = shape
    return f"{height}x{width} {({1: 'grey', 3: 'colour'}).get(channels, f'with {channels} channels')}"


def check_labels(labels: np.ndarray, images: int, where: str) -> np.ndarray:
    """Labels as int64 (N,), of whole numbers (N,) or (N, 1).

    Raises:
        UserError: of another type or shape, not one for each image, or beyond ``LIMIT``.
    """
    if labels.dtype.kind not in "iu":
        raise UserError(f"{where}: {labels.dtype} is not a type for labels; give whole numbers, 0 to classes - 1")
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise UserError(
            f"{where}: {labels.shape} is not a shape of labels; give (N,); convert one-hot labels by .argmax(1)"
        )
    if labels.shape not in ((images,), (images, 1)):
        raise UserError(f"{where}: labels are {labels.shape} and there are {images} images; give one for each, (N,)")
    if beyond := [label for label in (int(labels.min()), int(labels.max())) if not -LIMIT <= label < LIMIT]:
        raise UserError(f"{where}: {beyond[0]} is not a label; number the classes from 0 without gaps")
    return labels.reshape(-1).astype(np.int64)


def number_classes(train: np.ndarray, test: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray, int, list[str]]:
    """Labels of both parts counted from 0, the number of classes, and what to say.

    Labels without a gap that begin at another number, as EMNIST's letters at 1, are moved.

    Raises:
        UserError: a class has no training image, or there is only one.
    """
    known = np.unique(train)
    low, high = int(known[0]), int(known[-1])
    if len(known) != high - low + 1:
        gap = low + int(np.flatnonzero(np.diff(known) > 1)[0]) + 1
        raise UserError(
            f"{where}: labels go from {low} to {high}, and no training image has {gap}; number the classes from 0 "
            "without gaps"
        )
    beyond = test[(test < low) | (test > high)]
    if beyond.size:
        raise UserError(
            f"{where}: label {beyond[0]} is only in the test part; training labels go from {low} to {high}: give each "
            "class training images"
        )
    if low == high:
        raise UserError(f"{where}: every training label is {low}; give at least 2 classes")
    notes = [f"{where}: labels {low} to {high} are taken as 0 to {high - low}"] if low else []
    return train - low, test - low, high - low + 1, notes
