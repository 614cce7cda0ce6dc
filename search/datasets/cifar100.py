"""CIFAR-100: 50,000 training and 10,000 test images of a hundred classes, 32x32 in colour, in the binary version."""

from __future__ import annotations

from functools import partial

from search.datasets.cifar import CIFAR_100, MIRRORS, OTHERS, make_cifar
from search.datasets.files.archive import Archive, Member

TRAIN, TEST = "cifar-100-binary/train.bin", "cifar-100-binary/test.bin"
MEAN, STD = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)  # Of the training images, as usually given.
TITLE = "CIFAR-100, 50,000 + 10,000 colour images of a hundred classes"  # The fine labels.

cifar100 = partial(make_cifar, TITLE, CIFAR_100, [TRAIN], [TEST], MEAN, STD)
CIFAR100 = cifar100(
    Archive(
        "cifar100",
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
        180_000_000,
        MIRRORS,
        {  # As MXNet's gluon.data.vision.CIFAR100 lists them.
            TRAIN: Member(50_000 * CIFAR_100.record, "e207cd2e05b73b1393c74c7f5e7bea451d63e08e"),
            TEST: Member(10_000 * CIFAR_100.record, "8fb6623e830365ff53cf14adec797474f5478006"),
        },
        OTHERS,
    )
)
