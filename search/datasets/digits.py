"""Digits: the 1,797 images of 8x8 that scikit-learn carries, enlarged to the 28x28 of MNIST; needs no download."""

from __future__ import annotations

import hashlib
from base64 import b85decode
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from search.datasets.base import Arrays, Dataset

SOURCE, TARGET, LEVELS = 8, 28, 16  # Sizes before and after in pixels; source values are 0..16.
# A bit for each image. A fixed draw of 450, in the same proportion from every class:
# train_test_split(range(1797), test_size=450, random_state=0, stratify=labels).
TEST_PART = (
    "000DtH6{>102V<3lR^am8UP3Z0we$^1}q*35eSwF0FW6H1R(gJ0)Y_VKnMz&Fhmt3NkYJ&3Lr3mKm^z!K#PDN07!+z01!Y3ppXCsNN4~s5C8%W"
    "#0dZrB!mEixB)yNrkn}_1ON|6KnMh+7)b&WKw;$ofFxi}ls9UDk`@6}fB;BBprjZIPynP0g<<B15P(S%On|^51qO})0SWQ~!9h8Q6Tk@>000z@"
    "0RV&$py2>BC@BEJM99Es3IPI>0+Is>BBnqrCIle}s9=GZ$e<Jwh7tl2fjFcU00"
)


def enlarge(images: np.ndarray) -> np.ndarray:
    """Integers 0..16, (N, 8, 8), as uint8 0..255, (N, 28, 28), halves rounded up.

    Bilinear interpolation (``align_corners=False``) in integers, so its bytes are the same on every machine.
    Target pixel i looks at source coordinate (i + 1/2) 8/28 - 1/2 = (4i - 5)/14, clamped to the image:
    all weights are multiples of 1/14, and of 1/196 in two dimensions.
    """
    coordinates = np.clip(4 * np.arange(TARGET) - 5, 0, 14 * (SOURCE - 1))
    lower, upper_weight = np.divmod(coordinates, 14)
    weights = np.zeros((TARGET, SOURCE), np.int64)
    weights[np.arange(TARGET), lower] = 14 - upper_weight
    weights[np.arange(TARGET), np.minimum(lower + 1, SOURCE - 1)] += upper_weight
    scaled = 255 * (weights @ images.astype(np.int64) @ weights.T)
    denominator = LEVELS * 14 * 14
    return ((scaled + denominator // 2) // denominator).astype(np.uint8)


@cache
def read_source() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images uint8 (1797, 8, 8), labels int64 (1797,), and bool (1797,): which ones are the test part.

    Read from scikit-learn's file, as its ``load_digits`` does; scikit-learn itself takes more than a second to import.
    """
    found = find_spec("sklearn")
    assert found is not None
    assert found.submodule_search_locations is not None
    path = Path(found.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
    values = np.loadtxt(path, delimiter=",", dtype=np.int64, encoding="ascii")
    is_test = np.unpackbits(np.frombuffer(b85decode(TEST_PART), np.uint8), count=len(values)).astype(bool)
    return values[:, :-1].reshape(-1, SOURCE, SOURCE).astype(np.uint8), values[:, -1], is_test


def load_part(test: bool, root: Path | None = None) -> Arrays:
    """The 450 test or 1,347 training images (N, 1, 28, 28) and their labels; ``root`` is not used."""
    images, labels, is_test = read_source()
    return Arrays(enlarge(images[is_test == test])[:, None], labels[is_test == test])


def compute_fingerprint() -> str:
    """The SHA-256 of the 8x8 images, the labels and the choice of the test part."""
    images, labels, is_test = read_source()
    return hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes() + is_test.tobytes()).hexdigest()


DIGITS = Dataset(
    name="digits",
    title="Digits, 1,347 + 450 handwritten digits of scikit-learn, enlarged from 8x8",
    train_images=1347,
    input_shape=(1, TARGET, TARGET),
    classes=10,
    batch_size=16,
    holdout=347,
    mean=0.1307,
    std=0.3081,
    load_train=partial(load_part, False),
    load_test=partial(load_part, True),
    fingerprint=compute_fingerprint,
)
