"""CIFAR-10: 50,000 training and 10,000 test images of ten classes, 32x32 in colour, in the binary version."""

from __future__ import annotations

from functools import partial

from search.datasets.cifar import CIFAR_10, MIRRORS, OTHERS, make_cifar
from search.datasets.files.archive import Archive, Member

FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"{FOLDER}/data_batch_{number}.bin" for number in range(1, 6))
TEST = (f"{FOLDER}/test_batch.bin",)
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # Of the training images, as usually given.
TITLE = "CIFAR-10, 50,000 + 10,000 colour images of ten classes"

SHA1 = (  # As MXNet's gluon.data.vision.CIFAR10 lists them for the archive of the CIFAR page.
    "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "67eb016db431130d61cd03c7ad570b013799c88c",
)
cifar10 = partial(make_cifar, TITLE, CIFAR_10, TRAIN, TEST, MEAN, STD)
CIFAR10 = cifar10(
    Archive(
        "cifar10",
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
        180_000_000,
        MIRRORS,
        {name: Member(10_000 * CIFAR_10.record, digest) for name, digest in zip((*TRAIN, *TEST), SHA1, strict=True)},
        OTHERS,
    )
)
