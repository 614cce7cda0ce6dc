"""Decoded images in one file that is mapped into memory: made once, in pieces, and continued after an interruption.

NAME.u8 holds the images as they are in memory, NAME.json the SHA-256 of each piece that was written. A piece whose
hash is missing or wrong is decoded again, so an interruption and a damaged disk are mended in the same way.
"""

from __future__ import annotations

import errno
import hashlib
import io
import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.datasets.files.cache import VARIABLE
from search.datasets.files.download import Say
from search.datasets.files.verify import UnusableFileError, reading
from search.storage.file_lock import Lock
from search.storage.json_files import write_json
from spaces.common.errors import UserError
from spaces.files.regular import open_regular
from spaces.files.sealed import Damaged, read_sealed

PIECE = 1000  # Images, a few hundred milliseconds of decoding.
FORMAT = 1


@dataclass(frozen=True)
class Decoded:
    """The decoded images of one part of a data set.

    Attributes:
        folder: where the two files lie.
        name: of the part.
        source: names what the images are decoded from; pieces of another source are not used.
        shape: (N, C, H, W).
        piece: images per piece.
    """

    folder: Path
    name: str
    source: str
    shape: tuple[int, int, int, int]
    piece: int = PIECE

    @property
    def path(self) -> Path:
        """The file of the images."""
        return self.folder / f"{self.name}.u8"

    @property
    def _pieces(self) -> list[range]:
        """Which images each piece has."""
        return [range(start, min(start + self.piece, self.shape[0])) for start in range(0, self.shape[0], self.piece)]

    @property
    def _identity(self) -> dict[str, object]:
        """What a record must say of the images for its hashes to be those of ours."""
        return {"format": FORMAT, "source": self.source, "shape": list(self.shape), "piece": self.piece}

    def read_images(self, decode: Callable[[int], np.ndarray], say: Say) -> np.ndarray:
        """The images, mapped into memory, read-only; those that are missing or damaged are decoded first.

        Of several processes that want the same images one decodes them and the others wait.

        Args:
            decode: gives an image (C, H, W), uint8, by its number.
            say: is told of the progress.

        Raises:
            UserError: the files cannot be written.
        """
        try:
            if None in self._verify():
                self.folder.mkdir(parents=True, exist_ok=True)
                lock = Lock(self.folder / f"{self.name}.lock")
                if not lock.acquire():
                    say(f"{self.name}: waiting for another process that decodes these images")
                    lock.acquire(math.inf)
                try:
                    self._decode(decode, say)
                finally:
                    lock.release()
            return np.memmap(self.path, np.uint8, "r", shape=self.shape)
        except OSError as error:
            size = f"{math.prod(self.shape) / 2**30:.1f} GiB"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                advice, also = f"make room for {size}", "that much free"
            else:
                advice, also = f"the images are decoded once, into {size}: let who may do so", "the archive in it"
            raise UserError(
                f"{self.path}: cannot be written or read ({error.strerror or error}); {advice}, or set {VARIABLE} to a "
                f"folder of your own with {also}"
            ) from None

    def _verify(self) -> list[str | None]:
        """The hash of each piece; None where the piece is not as it is on record."""
        found: list[str | None] = [None] * len(self._pieces)
        try:
            record = read_sealed(self.folder / f"{self.name}.json") or {}
        except Damaged:
            return found
        hashes = record.get("hashes")
        if record.items() >= self._identity.items() and isinstance(hashes, list) and self.path.exists():
            with open_regular(self.path) as file:
                for number, (piece, recorded) in enumerate(zip(self._pieces, hashes, strict=False)):
                    digest = hashlib.sha256(file.read(len(piece) * math.prod(self.shape[1:]))).hexdigest()
                    found[number] = digest if digest == recorded else None
        return found

    def _decode(self, decode: Callable[[int], np.ndarray], say: Say) -> None:
        hashes = self._verify()
        if None not in hashes:  # Another process was first.
            return
        with open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b") as file:
            file.truncate(math.prod(self.shape))
            for number, piece in enumerate(self._pieces):
                if hashes[number] is not None:
                    continue
                if number % 10 == 0:
                    say(f"{self.name}: decoded {piece.start:,} of {self.shape[0]:,} images")
                content = np.stack([decode(image) for image in piece]).tobytes()
                file.seek(piece.start * math.prod(self.shape[1:]))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # Before its hash is: a hash says that the piece is on disk.
                hashes[number] = hashlib.sha256(content).hexdigest()
                write_json(self.folder / f"{self.name}.json", {**self._identity, "hashes": hashes})
        say(f"{self.name}: decoded all {self.shape[0]:,} images into {self.path}")


def decode_jpeg(content: bytes, size: tuple[int, int], where: str) -> np.ndarray:
    """Decodes a JPEG, uint8 (3, H, W); a grey image has three equal channels.

    Raises:
        UserError: not of ``size``, (W, H), which is known before anything is decoded, no JPEG or damaged; of ``where``.
    """
    from PIL import Image  # Lazily: needed once only.

    try:
        with reading("a JPEG"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of odd metadata, which nobody reads.
            with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
                if image.size != size:
                    raise UserError(f"{where}: {image.size[0]} x {image.size[1]} pixels, not {size[0]} x {size[1]}")
                pixels = np.asarray(image.convert("RGB"))
    except UnusableFileError as reason:
        raise UserError(f"{where} {reason}") from None
    return pixels.transpose(2, 0, 1)
