"""Data sets of one's own: a folder in CIFAR-10's binary layout, below the data folder.

``folder-NAME`` is the folder NAME there. It is recorded under that name and the hash of its own content, so no table
can take it for CIFAR-10.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from search.datasets.base import Arrays, Dataset
from search.datasets.cifar import CIFAR_10, Layout, join_parts, parse_cifar
from search.datasets.cifar10 import CIFAR10, FOLDER
from search.datasets.files.cache import VARIABLE, find_cache_root, writing_in
from spaces.common import fields
from spaces.common.errors import UserError
from spaces.files.regular import open_regular

PREFIX = "folder-"
TRAIN, TEST, NAMES = re.compile(r"data_batch_([1-9][0-9]{0,2})\.bin"), "test_batch.bin", "batches.meta.txt"
LAYOUT = "data_batch_1.bin, data_batch_2.bin and so on, and test_batch.bin"
MAX_BYTES = 2**31  # Of one file.
RECORD = CIFAR_10.record


def make_folder_dataset(name: str, root: Path | None = None) -> Dataset:
    """The data set ``folder-NAME`` in the data folder, None for the usual one.

    Raises:
        UserError: no such name, no such folder, or not in CIFAR-10's binary layout.
    """
    top = _find_place(name, root)
    if not os.path.isdir(top):
        raise UserError(
            f"dataset: {name}: no folder {top}; set {VARIABLE} to the folder above it, or run 'invsearch data {name} "
            "--from PATH' on a folder in CIFAR-10's binary layout"
        )
    return describe_folder(name, top)


def list_folder_datasets(root: Path | None = None) -> list[Dataset]:
    """Those that are in the data folder, None for the usual one, by name; what is something else is passed over."""
    top, found = find_cache_root(root), []
    for path in sorted(top.iterdir()) if top.is_dir() else []:
        with suppress(UserError, OSError):
            found.append(make_folder_dataset(f"{PREFIX}{path.name}", root))
    return found


def _find_place(name: str, root: Path | None) -> Path:
    """The folder of a data set whose name is ``folder-`` and the name of a folder: letters, digits, + and -."""
    fields.NAME.check("dataset", name)
    if name == PREFIX:
        raise UserError(f"dataset: {name} lacks the folder's name; give {PREFIX}NAME, such as {PREFIX}mine")
    return find_cache_root(root) / name.removeprefix(PREFIX)


def describe_folder(name: str, path: Path) -> Dataset:
    """The data set ``name`` in the folder ``path``, or in its ``cifar-10-batches-bin``.

    Raises:
        UserError: not in CIFAR-10's binary layout.
    """
    path = path / FOLDER if os.path.isdir(path / FOLDER) else path
    train = _list_training_files(path)
    images, tested = (sum(_read_size(path / file) for file in files) // RECORD for files in (train, [TEST]))
    if images < 2:
        raise UserError(f"{path}: {images} training images; give at least 2, as records of {RECORD} bytes")
    layout = Layout(1, _count_classes(path, [*train, TEST]))
    return replace(
        CIFAR10,  # Trained on in the same way.
        name=name,
        title=f"{images:,} + {tested:,} images of {layout.classes} classes in CIFAR-10's binary layout in {path}",
        train_images=images,
        classes=layout.classes,
        holdout=max(1, images // 10),
        load_train=lambda root: _load(path, train, layout),
        load_test=lambda root: _load(path, [TEST], layout),
        fingerprint=partial(_hash_content, path, [*train, TEST], layout.classes),
        archive=None,
    )


def _hash_content(path: Path, files: list[str], classes: int) -> str:
    """The SHA-256 of the files of a folder, the test file too: nobody published a hash that could stand for it."""
    found = hashlib.sha256(f"{classes} classes\n".encode())
    for file in files:
        content = _collect_content(path / file)
        found.update(f"{file} {len(content)}\n".encode() + hashlib.sha256(content).digest())
    return found.hexdigest()


def import_folder(name: str, source: Path, root: Path | None = None) -> Path:
    """Copies a folder in CIFAR-10's binary layout into the data folder, as the data set ``name``; returns the new one.

    Raises:
        UserError: ``source`` is not such a folder, the name is taken, or the data folder cannot be written.
    """
    target = _find_place(name, root)
    if not os.path.isdir(source):
        raise UserError(f"{source}: not a folder; give one that holds {LAYOUT}")
    origin = source / FOLDER if os.path.isdir(source / FOLDER) else source
    known = describe_folder(name, origin)
    for load in (known.load_train, known.load_test):  # Refuses what could not be trained on.
        load(None)
    if os.path.lexists(target):
        raise UserError(f"{target} is there already; remove it, or choose another name than {name}")
    names = [*_list_training_files(origin), TEST, *([NAMES] if os.path.lexists(origin / NAMES) else [])]
    with writing_in(target.parent) as scratch:
        (scratch / "folder").mkdir()
        for file in names:
            (scratch / "folder" / file).write_bytes(_collect_content(origin / file))
        os.rename(scratch / "folder", target)
    return target


def _list_training_files(path: Path) -> list[str]:
    numbers = sorted(int(found[1]) for found in map(TRAIN.fullmatch, os.listdir(path)) if found)
    lacking = [f"data_batch_{number}.bin" for number in range(1, max(numbers, default=1) + 1) if number not in numbers]
    lacking += [TEST] * (not (path / TEST).is_file())
    if lacking:
        raise UserError(f"{path}: lacks {', '.join(lacking[:3])}; CIFAR-10's binary layout is {LAYOUT}")
    return [f"data_batch_{number}.bin" for number in numbers]


def _count_classes(path: Path, files: list[str]) -> int:
    """The number of class names, where the folder lists them as CIFAR-10 does; else all labels up to the highest."""
    if not os.path.lexists(path / NAMES):
        highest = max((max(_collect_content(path / file)[::RECORD], default=0) for file in files), default=0)
        if not highest:
            raise UserError(f"{path}: every label is 0; give at least 2 classes, or list them in {NAMES}, one per line")
        return highest + 1
    try:
        lines = [line.strip() for line in _collect_content(path / NAMES).decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise UserError(f"{path / NAMES}: not UTF-8 text; give the names of the classes, one per line") from None
    count = sum(bool(line) and not line.startswith("#") for line in lines)
    if not 2 <= count <= 256:
        raise UserError(f"{path / NAMES}: {count} classes; give 2 to 256 names, one per line")
    return count


def _load(path: Path, files: list[str], layout: Layout) -> Arrays:
    return join_parts([parse_cifar(_collect_content(path / file), layout, str(path / file)) for file in files])


def _read_size(path: Path) -> int:
    try:
        return os.path.getsize(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None


def _collect_content(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(content) > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES} bytes; split it into several data_batch files")
    return content
