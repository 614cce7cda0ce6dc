"""Image files of other people: what they are is looked at first, then each is decoded into one size and one colour."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from search.datasets.files.verify import UnusableFileError
from search.datasets.own.bar import showing_progress
from search.datasets.own.parts import PIECE, describe_shape, refusing
from spaces.common.errors import UserError
from spaces.common.wording import format_count
from spaces.files.regular import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

T = TypeVar("T")
U = TypeVar("U")
FORMATS = ("PNG", "JPEG", "WEBP")
GREY, COLOUR = ("1", "L", "LA", "La"), ("RGB", "RGBA", "RGBa", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV")
TRANSPARENT = ("LA", "La", "RGBA", "RGBa", "PA")
MAX_PIXELS = 2**26  # A photograph of 67 megapixels; a file of a few KB can promise many more.
MANY = 8  # Threads; Pillow decodes in all of them at once.


def map_in_threads(function: Callable[[T], U], items: Sequence[T]) -> list[U]:
    """The results for all items, in their order; Pillow's warnings of odd metadata are not shown."""
    with warnings.catch_warnings(), ThreadPoolExecutor(min(MANY, len(os.sched_getaffinity(0)))) as pool:
        warnings.simplefilter("ignore")
        return list(pool.map(function, items))


@dataclass(frozen=True)
class Form:
    """What all images are brought to: (C, H, W), one channel of grey levels or three of colours."""

    shape: tuple[int, int, int]

    def decode(self, path: Path) -> np.ndarray:
        """An image, uint8 (C, H, W).

        Raises:
            UserError: it is damaged.
        """
        from PIL.Image import Resampling

        channels, height, width = self.shape
        with open_image(path) as image:
            plain = image.convert("L" if channels == 1 else "RGB")
            if plain.size != (width, height):
                plain = plain.resize((width, height), Resampling.BILINEAR)
            pixels = np.asarray(plain)
        return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


@contextmanager
def open_image(path: Path) -> Iterator[Picture]:
    """An image file, not yet decoded.

    Raises:
        UserError: it cannot be read, is not a PNG, JPEG or WebP, is damaged, or promises too many pixels.
    """
    from PIL import Image  # Lazily: needed once only.

    advice = "repair it, or take it out of the folder"
    with (
        refusing(path, "a PNG, JPEG or WebP image", advice),
        open_regular(path) as file,
        Image.open(file, formats=FORMATS) as image,
    ):
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise UnusableFileError(f"has {width} x {height} pixels, more than {MAX_PIXELS:,}")
        yield image


def look_at(path: Path) -> tuple[str, tuple[int, int]]:
    """Mode and size (H, W) of an image, from the head of its file.

    Raises:
        UserError: as of ``open_image``; or its levels are not of 8 bits.
    """
    with open_image(path) as image:
        if image.mode not in (*GREY, *COLOUR):
            raise UnusableFileError(f"has levels of more than 8 bits (mode {image.mode}); save it with 8")
        return image.mode, (image.height, image.width)


def choose_form(paths: Sequence[Path], resize: tuple[int, int] | None, top: Path) -> tuple[Form, list[str]]:
    """What images are brought to, and what to say of it: grey if all are, of the one size that they have.

    Args:
        paths: of the images.
        resize: (H, W) asked for, None: as they are.
        top: the folder that they are in.

    Raises:
        UserError: they are of several sizes and none is asked for, or as of ``look_at``.
    """
    with showing_progress(f"looking at {top.name}", len(paths)) as advance:
        looks = []
        for start in range(0, len(paths), PIECE):
            looks += map_in_threads(look_at, paths[start : start + PIECE])
            advance(min(PIECE, len(paths) - start))
    sizes, modes = Counter(size for _, size in looks), Counter(mode for mode, _ in looks)
    if len(sizes) > 1 and resize is None:
        examples = []
        for size, _ in sizes.most_common(2):
            path = next(path for path, (_, other) in zip(paths, looks, strict=True) if other == size)
            examples.append(f"{size[0]}x{size[1]} ({path.relative_to(top)})")
        raise UserError(
            f"{top}: its images have {len(sizes)} sizes, such as {' and '.join(examples)}; resize them to one: "
            f"--resize {'x'.join(map(str, sizes.most_common(1)[0][0]))}"
        )
    height, width = resize or next(iter(sizes))
    form = Form((3 if any(mode in COLOUR for mode in modes) else 1, height, width))
    how = f", resized from {format_count(len(sizes), 'size')}" if set(sizes) != {(height, width)} else ""
    notes = [f"{top}: images are taken as {describe_shape(form.shape)}{how}"]
    if clear := sum(modes[mode] for mode in TRANSPARENT):
        notes.append(f"{top}: {clear:,} images have transparency, which is dropped")
    return form, notes
