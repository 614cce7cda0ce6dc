"""A folder of images, in which each class has a folder: the files, their classes, and which are the test part."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.datasets.own.parts import PIECE, Part, Parts, Source, list_folder
from search.datasets.own.pictures import Form, choose_form, map_in_threads
from search.datasets.own.reference import Reference
from spaces.common.errors import UserError, make_printable, shorten

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
TRAIN, TEST = "train", "test"
EXAMPLE = 0.2


@dataclass(frozen=True)
class Listing:
    """The image files of both parts by class, classes in the order of their names, and what else lies there."""

    train: Mapping[str, Sequence[Path]]
    test: Mapping[str, Sequence[Path]]
    odd: Sequence[str]


def open_images(reference: Reference) -> Source:
    """The images in the folder of a reference.

    Raises:
        UserError: no such folder, not in one of the two layouts, a class without images, or a single one.
    """
    found = list_images(reference)
    return Source([*_join(found.train), *_join(found.test)], lambda: read_images(reference, found))


def list_images(reference: Reference) -> Listing:
    """The files of both parts.

    Raises:
        UserError: as of ``open_images``.
    """
    top, fraction = reference.path, reference.test_fraction
    folders, odd = _split_folder(top, "")
    if {TRAIN, TEST} <= set(folders):
        if fraction is not None:
            raise UserError(f"test-fraction: {top} has a test part of its own, {TEST}/; leave it out")
        odd += [f"{name}/" for name in folders if name not in (TRAIN, TEST)]
        train, test = (_list_classes(top, f"{part}/", odd) for part in (TRAIN, TEST))
    elif fraction is None:
        if TRAIN in folders or TEST in folders:
            here, lacking = (TRAIN, TEST) if TRAIN in folders else (TEST, TRAIN)
            raise UserError(
                f"{top}: has {here}/ and no {lacking}/; add it, or split one folder: images:{top / here} with "
                f"--test-fraction {EXAMPLE}"
            )
        raise UserError(
            f"{top}: has no {TRAIN}/ and {TEST}/, a folder for each class in both; if its folders are classes, add "
            f"--test-fraction {EXAMPLE}"
        )
    else:
        train, test = _split_classes(top, _list_classes(top, "", odd), fraction, reference.split_seed or 0)
    if only := [name for name in test if name not in train and test[name]]:
        raise UserError(f"{top}: the class {only[0]} is only in {TEST}/; give it a folder of images in {TRAIN}/, too")
    if empty := [name for name, files in train.items() if not files]:
        raise UserError(f"{top}: the class {empty[0]} has no training images; add some, or remove its folder")
    if len(train) < 2:
        has = f"one class, {next(iter(train))}" if train else "no folder of a class"
        raise UserError(f"{top}: has {has}; give a folder of images for each of at least 2 classes")
    if not any(test.values()):
        raise UserError(f"{top}: has no test images; add some to {TEST}/")
    return Listing(train, test, odd)


def _split_folder(folder: Path, below: str) -> tuple[list[str], list[str]]:
    """The folders in a folder, and its files, which do not belong there, by their names from the top."""
    names = list_folder(folder)
    folders = [name for name in names if os.path.isdir(folder / name)]
    return folders, [below + name for name in names if name not in set(folders)]


def _list_classes(top: Path, below: str, odd: list[str]) -> dict[str, list[Path]]:
    """The images of each class; names of files that are none are added to ``odd``."""
    classes, loose = _split_folder(top / below, below)
    odd += loose
    return {name: _list_class(top, f"{below}{name}", odd) for name in classes}


def _list_class(top: Path, folder: str, odd: list[str]) -> list[Path]:
    """The images in a folder and those in it, sorted by their paths; links to folders are not followed."""
    found = []
    for here, folders, _ in os.walk(top / folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in list_folder(Path(here)):
            path = Path(here, name)
            if name.lower().endswith(SUFFIXES):
                found.append(path)
            elif name not in folders:
                odd.append(path.relative_to(top).as_posix())
    return sorted(found, key=lambda path: path.relative_to(top).as_posix())


def _split_classes(
    top: Path, classes: Mapping[str, Sequence[Path]], fraction: float, seed: int
) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Of each class a fraction as the test part, at least one image, and the rest; chosen by the seed, sorted by path.

    Raises:
        UserError: a class has a single image.
    """
    train, test = {}, {}
    for number, (name, files) in enumerate(classes.items()):
        if len(files) == 1:
            raise UserError(f"{top}: the class {name} has 1 image; add some: one is tested on and others trained on")
        count = min(max(1, round(fraction * len(files))), len(files) - 1) if files else 0
        order = np.random.Generator(np.random.PCG64((seed, number))).permutation(len(files))
        train[name], test[name] = ([files[i] for i in sorted(part)] for part in (order[count:], order[:count]))
    return train, test


def read_images(reference: Reference, found: Listing) -> Parts:
    """The parts, whose images are decoded piece by piece; before that, the heads of all files are looked at.

    Raises:
        UserError: an image is damaged, too large or of 16 bits, or they are of several sizes and none is asked for.
    """
    top, classes = reference.path, list(found.train)
    form, notes = choose_form(
        [path for part in (found.train, found.test) for path in _join(part)], reference.resize, top
    )
    named = ", ".join(f"{number} {name}" for number, name in enumerate(classes))
    notes.append(f"{top}: the classes are {shorten(make_printable(named), 200)}")
    if found.odd:
        left = shorten(make_printable(", ".join(found.odd)), 200)
        notes.append(f"{top}: {len(found.odd)} of other kinds are left out: {left}")
    return Parts(_make_part(classes, found.train, form), _make_part(classes, found.test, form), len(classes), notes)


def _join(part: Mapping[str, Sequence[Path]]) -> list[Path]:
    return [path for files in part.values() for path in files]


def _make_part(classes: Sequence[str], files: Mapping[str, Sequence[Path]], form: Form) -> Part:
    counts = [len(files.get(name, ())) for name in classes]
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), counts)
    return Part((len(labels), *form.shape), labels, _decode_all(_join(files), form))


def _decode_all(paths: Sequence[Path], form: Form) -> Iterator[np.ndarray]:
    for start in range(0, len(paths), PIECE):
        yield np.stack(map_in_threads(form.decode, paths[start : start + PIECE]))
