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
from search.datasets.files.verify import UnusableFileError, reading
from search.storage.file_lock import Lock
from search.storage.json_files import read_json, write_json
from spaces.common.errors import UserError
from spaces.files.regular import open_regular
from spaces.files.sealed import Damaged

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
    def pieces(self) -> list[range]:
        """Which images each piece has."""
        return [range(start, min(start + self.piece, self.shape[0])) for start in range(0, self.shape[0], self.piece)]

    def images(self, decode: Callable[[int], np.ndarray], say: Callable[[str], object]) -> np.ndarray:
        """The images, mapped into memory, read-only; those that are missing or damaged are decoded first.

        Args:
            decode: gives an image (C, H, W), uint8, by its number.
            say: is told of the progress, one line at a time.

        Raises:
            UserError: the files cannot be written.
        """
        try:
            if not self._is_complete(self._verify()):
                self._decode_alone(decode, say)
            return np.memmap(self.path, np.uint8, "r", shape=self.shape)
        except OSError as error:
            size = f"{int(np.prod(self.shape)) / 2**30:.1f} GiB"
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise UserError(
                f"{self.path}: cannot be written or read ({error.strerror or error}); "
                + (f"make room for {size}" if full else f"the images are decoded once, into {size}: let who may do so")
                + f", or set {VARIABLE} to a folder of your own"
                + (" with that much free" if full else " with the archive in it")
            ) from None

    def _is_complete(self, hashes: list[str | None]) -> bool:
        return len(hashes) == len(self.pieces) and None not in hashes

    def _decode_alone(self, decode: Callable[[int], np.ndarray], say: Callable[[str], object]) -> None:
        """Decodes what is missing; of several processes that want the same images one does it and the others wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = Lock(self.folder / f"{self.name}.lock")
        if not lock.acquire():
            say(f"{self.name}: waiting for another process that decodes these images")
            lock.acquire(math.inf)
        try:
            hashes = self._verify()
            if not self._is_complete(hashes):
                self._decode(hashes, decode, say)
        finally:
            lock.release()

    def _verify(self) -> list[str | None]:
        """The hashes of the pieces on record; None in place of those that do not fit their pieces."""
        try:
            record = read_json(self.folder / f"{self.name}.json") or {}
        except Damaged:
            return []
        if [record.get(key) for key in ("format", "source", "shape", "piece")] != self._identify():
            return []
        hashes = record.get("hashes")
        if not isinstance(hashes, list) or len(hashes) > len(self.pieces) or not self.path.exists():
            return []
        with open_regular(self.path) as file:
            bytes_each = int(np.prod(self.shape[1:]))
            found = []
            for piece, recorded in zip(self.pieces, hashes, strict=False):
                digest = hashlib.sha256(file.read(len(piece) * bytes_each)).hexdigest()
                found.append(digest if digest == recorded else None)
        return found

    def _decode(
        self, hashes: list[str | None], decode: Callable[[int], np.ndarray], say: Callable[[str], object]
    ) -> None:
        bytes_each = int(np.prod(self.shape[1:]))
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        with open(handle, "r+b") as file:
            file.truncate(self.shape[0] * bytes_each)
            hashes += [None] * (len(self.pieces) - len(hashes))
            for number, piece in enumerate(self.pieces):
                if hashes[number] is not None:
                    continue
                if number % 10 == 0:
                    say(f"{self.name}: decoded {piece.start:,} of {self.shape[0]:,} images")
                content = np.stack([decode(image) for image in piece]).tobytes()
                file.seek(piece.start * bytes_each)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # Before its hash is: a hash says that the piece is on disk.
                hashes[number] = hashlib.sha256(content).hexdigest()
                self._record(hashes)
        say(f"{self.name}: decoded all {self.shape[0]:,} images into {self.path}")

    def _record(self, hashes: list[str | None]) -> None:
        keys = dict(zip(("format", "source", "shape", "piece"), self._identify(), strict=True))
        write_json(self.folder / f"{self.name}.json", {**keys, "hashes": hashes})

    def _identify(self) -> list[object]:
        return [FORMAT, self.source, list(self.shape), self.piece]


def decode_jpeg(content: bytes, size: tuple[int, int], where: str) -> np.ndarray:
    """Decodes a JPEG in grey or colour.

    Args:
        content: the file.
        size: (W, H) that it must have; another one is refused before anything is decoded.
        where: the file, for error messages.

    Returns:
        uint8 (3, H, W); a grey image has three equal channels.

    Raises:
        UserError: not a JPEG of that size, or damaged.
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
