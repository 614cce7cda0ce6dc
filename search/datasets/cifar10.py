"""CIFAR-10: 50,000 training and 10,000 test images of ten classes, 32x32 in colour, in the binary version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from search.datasets.base import Arrays, Dataset
from search.datasets.cifar import CIFAR_10, OTHERS, SHAPE, Layout, joined, parse_cifar
from search.datasets.files.archive import Archive, Member, cached_members
from spaces.specs import recipes

MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"{FOLDER}/data_batch_{number}.bin" for number in range(1, 6))
TEST = (f"{FOLDER}/test_batch.bin",)
PER_FILE = 10_000
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # Of the training images, as usually given.


def load_members(
    archive: Archive, layout: Layout, counts: dict[str, int], names: Sequence[str], root: Path | None = None
) -> Arrays:
    """Loads some files of a CIFAR archive, downloading it if it is missing.

    Args:
        archive: the archive.
        layout: of its records.
        counts: how many images each file of it has.
        names: the files to load, in order.
        root: the data folder, None for the usual one.

    Returns:
        Images (N, 3, 32, 32) and labels (N,).

    Raises:
        UserError: the archive cannot be had, or is not the published one.
    """
    sizes = {name: count * layout.record for name, count in counts.items()}
    where, contents = cached_members(archive, sizes, names, root)
    return joined([parse_cifar(contents[name], layout, f"{where}: {name}", counts[name]) for name in names])


def fingerprint(archive: Archive) -> str:
    """The SHA-256 of the archive's name and published hash; it need not be there."""
    return hashlib.sha256(json.dumps([archive.file, archive.md5]).encode()).hexdigest()


def cifar10(archive: Archive, per_file: int = PER_FILE) -> Dataset:
    """The data set over an archive whose six files have ``per_file`` images each."""
    counts = dict.fromkeys((*TRAIN, *TEST), per_file)
    return Dataset(
        name="cifar10",
        title="CIFAR-10, 50,000 + 10,000 colour images of ten classes",
        train_images=5 * per_file,
        input_shape=SHAPE,
        classes=CIFAR_10.classes,
        batch_size=recipes.BATCH_SIZE,
        holdout=per_file // 2,
        mean=MEAN,
        std=STD,
        load_train=partial(load_members, archive, CIFAR_10, counts, TRAIN),
        load_test=partial(load_members, archive, CIFAR_10, counts, TEST),
        fingerprint=partial(fingerprint, archive),
        archive=archive,
        epochs=recipes.CIFAR.epochs,
        recipe=recipes.CIFAR,
        theta=recipes.THETA,
    )


SHA1 = (  # As MXNet's gluon.data.vision.CIFAR10 lists them for the archive of the CIFAR page.
    "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "67eb016db431130d61cd03c7ad570b013799c88c",
)
CIFAR10 = cifar10(
    Archive(
        "cifar10",
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
        180_000_000,
        MIRRORS,
        {name: Member(PER_FILE * CIFAR_10.record, digest) for name, digest in zip((*TRAIN, *TEST), SHA1, strict=True)},
        OTHERS,
    )
)
