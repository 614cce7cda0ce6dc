"""How a network classified each test image, packed: what the record of a finished rerun keeps.

An image takes 0 where it was classified correctly, and 1 + the class that it was taken for where it was not. So who was
right is known without the data set, and as most numbers are 0, the whole takes a tenth of the classes themselves. With
the data set's labels, which a run folder does not hold, these can be had back.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spaces.common.fields import HASH, make_whole
from spaces.files.sealed import Damaged

CODES = {1: "B", 2: "H", 4: "I"}  # Of struct, by the bytes of a number.
MAX_IMAGES = 2**26
FIELDS = {"labels": HASH, "images": make_whole(1, MAX_IMAGES), "width": make_whole(1, 4)}


@dataclass(frozen=True)
class Predictions:
    """The predictions of one network after its last epoch.

    Attributes:
        labels: the beginning of the SHA-256 of the true classes: where it is the same, so are the images.
        images: how many test images there are.
        width: bytes of a number, 1, 2 or 4: there are classes that the next smaller cannot hold.
        packed: the numbers in the order of the data set, little-endian, compressed with zlib, in base64.
    """

    labels: str
    images: int
    width: int
    packed: str

    @classmethod
    def pack(cls, predicted: Sequence[int], labels: Sequence[int], classes: int) -> Predictions:
        """Packs the predicted classes of images whose true classes are ``labels``, both counted from 0.

        >>> Predictions.pack([3, 1, 2], labels=[3, 1, 0], classes=10).unpack()
        b'\\x00\\x00\\x03'
        """
        width = next(width for width in CODES if classes < 256**width)
        wrong = [0 if ours == true else 1 + ours for ours, true in zip(predicted, labels, strict=True)]
        packed = zlib.compress(struct.pack(f"<{len(wrong)}{CODES[width]}", *wrong), level=9)
        digest = hashlib.sha256(struct.pack(f"<{len(labels)}I", *labels)).hexdigest()
        return cls(digest[:16], len(wrong), width, base64.b64encode(packed).decode())

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Predictions:
        """Reads the attributes as plain data.

        Raises:
            Damaged: they are not those of predictions.
        """
        if {*content} != {*FIELDS, "packed"} or not all(field.allows(content[name]) for name, field in FIELDS.items()):
            raise Damaged("its predictions have other fields than predictions have")
        found = cls(**content)
        found.unpack()
        return found

    def unpack(self) -> bytes:
        """The numbers, ``width`` bytes each.

        Raises:
            Damaged: they are not what ``pack`` made.
        """
        size = self.images * self.width
        opened = zlib.decompressobj()
        try:
            content = opened.decompress(base64.b64decode(self.packed, validate=True), size + 1)
        except (ValueError, TypeError, zlib.error) as error:
            raise Damaged(f"its predictions cannot be unpacked ({error})") from None
        if len(content) != size or not opened.eof:
            raise Damaged(f"its predictions are not those of {self.images} images")
        return content

    def count_right(self) -> int:
        """How many images were classified correctly."""
        content = self.unpack()
        return content.count(0) if self.width == 1 else self.read().count(0)

    def read(self) -> tuple[int, ...]:
        """The numbers: 0 for a right image, else 1 + the class that it was taken for."""
        return struct.unpack(f"<{self.images}{CODES[self.width]}", self.unpack())
