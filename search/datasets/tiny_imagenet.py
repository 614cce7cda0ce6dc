"""Tiny ImageNet: 100,000 training images of 200 classes, 64x64 in colour; its 10,000 validation images are tested on.

The labels of its own test images were never published. The JPEG images are decoded once.
"""

from __future__ import annotations

import re
import sys
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from search.datasets.base import Arrays, Dataset, compute_hash
from search.datasets.files.archive import Archive
from search.datasets.files.decoded import Decoded, decode_jpeg
from search.datasets.files.download import Say
from search.datasets.files.verify import UnusableFileError, reading
from spaces.common.errors import UserError, quote
from spaces.specs import recipes

TOP = "tiny-imagenet-200"
SIZE = 64
MAX_DIRECTORY = 2**25  # Bytes of the list of members; the published one has 120,609 of some 130 bytes each.
MAX_TEXT, MAX_JPEG = 2**20, 2**17  # Bytes of a member, decompressed; a 64x64 image at full quality takes 12 KB.
WNID = re.compile(r"n[0-9]{8}")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, from which the images were made.


@dataclass(frozen=True)
class Counts:
    """How many classes, training images per class and validation images there are."""

    classes: int = 200
    per_class: int = 500
    val: int = 10_000


class Members:
    """Reads members of a zip file by their exact names; ``UnusableFileError`` if it is none, or two share a name."""

    def __init__(self, file: BinaryIO) -> None:
        with reading("a zip file"):
            self._zip = zipfile.ZipFile(_Sparing(file))
        if len(self._zip.NameToInfo) != len(self._zip.namelist()):
            raise UnusableFileError("has members of the same name")

    def read(self, name: str, limit: int) -> bytes:
        """A member of at most ``limit`` bytes; nothing beyond them is unpacked.

        Raises:
            UnusableFileError: missing, larger, damaged, or not packed as it was published.
        """
        with reading(f"what it should be: {name}"):
            if name not in self._zip.NameToInfo:
                raise UnusableFileError(f"lacks {name}")
            if self._zip.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UnusableFileError(f"has packed {name} in another way than deflate")
            with self._zip.open(name) as member:
                content = member.read(limit + 1)
            if len(content) > limit:
                raise UnusableFileError(f"is not what it should be: {name} has more than {limit} bytes")
            return content

    def text(self, name: str) -> str:
        """A member of ASCII text; ``UnusableFileError`` as in ``read``, or if it is something else."""
        with reading(f"what it should be: {name} is no text"):
            return self.read(name, MAX_TEXT).decode("ascii")


class _Sparing:
    """What ``zipfile`` reads from, which would otherwise read and keep a list of members of any length."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(MAX_DIRECTORY + 1 if size < 0 else min(size, MAX_DIRECTORY + 1))
        if len(content) > MAX_DIRECTORY:
            raise UnusableFileError("lists far more than it should")
        return content


def parse_wnids(text: str, classes: int, where: str) -> list[str]:
    """The names of the classes, in the order of their numbers: sorted.

    Raises:
        UserError: not ``classes`` different WordNet ids, one per line.
    """
    found = sorted({line.strip() for line in text.splitlines()} - {""})
    wrong = next((name for name in found if not WNID.fullmatch(name)), None)
    if wrong is not None or len(found) != classes:
        what = f"{quote(wrong)} is not a WordNet id" if wrong else f"{len(found)} ids instead of {classes}"
        raise UserError(f"{where}: wnids.txt: {what}")
    return found


def parse_annotations(text: str, wnids: list[str], images: int, where: str) -> list[int]:
    """The classes of val_0.JPEG, val_1.JPEG and so on, from lines of a name, a WordNet id and a box, between tabs.

    Raises:
        UserError: not one line for each image, or an unknown id.
    """
    numbers = {wnid: number for number, wnid in enumerate(wnids)}
    labels: dict[str, int] = {}
    for line in (line for line in text.splitlines() if line.strip()):
        name, wnid = (*line.split("\t"), "")[:2]
        if wnid not in numbers or name in labels:
            raise UserError(f"{where}: val_annotations.txt: {quote(line)} names no class, or an image twice")
        labels[name] = numbers[wnid]
    expected = [f"val_{number}.JPEG" for number in range(images)]
    if set(labels) != set(expected):
        raise UserError(f"{where}: val_annotations.txt: not one line for each of val_0.JPEG to val_{images - 1}.JPEG")
    return [labels[name] for name in expected]


def _print_to_stderr(line: str) -> None:
    print(f"tiny-imagenet: {line}", file=sys.stderr)


def load_part(
    archive: Archive, counts: Counts, part: str, root: Path | None = None, say: Say = _print_to_stderr
) -> Arrays:
    """Loads the part ``train`` or ``val``, downloading the archive and decoding the part if necessary.

    Nothing of the other part is read.

    Returns:
        Images (N, 3, 64, 64), mapped into memory, and labels (N,).

    Raises:
        UserError: the archive cannot be had, is not the published one, or cannot be decoded.
    """
    where = archive.find_path(root)
    with archive.cached(root) as file:
        members = Members(file)
        wnids = parse_wnids(members.text(f"{TOP}/wnids.txt"), counts.classes, str(where))
        if part == "train":
            names = [f"{TOP}/train/{w}/images/{w}_{number}.JPEG" for w in wnids for number in range(counts.per_class)]
            labels = np.repeat(np.arange(counts.classes, dtype=np.int64), counts.per_class)
        else:
            names = [f"{TOP}/val/images/val_{number}.JPEG" for number in range(counts.val)]
            annotations = members.text(f"{TOP}/val/val_annotations.txt")
            labels = np.array(parse_annotations(annotations, wnids, counts.val, str(where)), np.int64)

        def decode(number: int) -> np.ndarray:
            name = names[number]
            return decode_jpeg(members.read(name, MAX_JPEG), (SIZE, SIZE), f"{where}: {name}")

        decoded = Decoded(where.parent, part, archive.md5, (len(names), 3, SIZE, SIZE))
        return Arrays(decoded.read_images(decode, say), labels)


def make_tiny_imagenet(archive: Archive, counts: Counts = Counts()) -> Dataset:
    """The data set in an archive that holds so many images."""
    images = counts.classes * counts.per_class
    return Dataset(
        name="tiny-imagenet",
        title="Tiny ImageNet, 100,000 + 10,000 colour images of 200 classes, 64x64",
        train_images=images,
        input_shape=(3, SIZE, SIZE),
        classes=counts.classes,
        holdout=images // 10,
        mean=MEAN,
        std=STD,
        load_train=partial(load_part, archive, counts, "train"),
        load_test=partial(load_part, archive, counts, "val"),
        fingerprint=partial(compute_hash, [archive.file, archive.md5]),
        archive=archive,
        epochs=recipes.TINY_IMAGENET.epochs,
        recipe=recipes.TINY_IMAGENET,
        theta=recipes.THETA,
    )


TINY_IMAGENET = make_tiny_imagenet(
    Archive(
        "tiny-imagenet",
        "tiny-imagenet-200.zip",
        "90528d7ca1a48142e341f4ef8d21d0de",
        260_000_000,
        ("http://cs231n.stanford.edu/",),
    )
)
