"""Data of one's own as the data folder keeps them: decoded once, found by their hash, there whole or not at all.

ROOT/own/HASH/ has the images and labels of each part as they are in memory, and meta.json, which says what they are.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from search.datasets.base import Arrays, Dataset, compute_hash
from search.datasets.digits import DIGITS
from search.datasets.files.cache import find_cache_root, writing_in
from search.datasets.mnist import MNIST
from search.datasets.own.bar import showing_progress
from search.datasets.own.parts import Part, Parts, describe_shape
from search.storage.json_files import write_json
from spaces.common.errors import UserError, make_printable
from spaces.files.regular import open_regular
from spaces.files.sealed import Damaged, read_sealed

FORMAT, META = 1, "meta.json"
PARTS = ("train", "test")
PLACES = 6  # Of mean and standard deviation.
SMALL = 10_000  # Training images below which a data set is trained on as digits is, else as MNIST.


def find_own_folder(root: Path | None = None) -> Path:
    """Where the data folder has data of one's own."""
    return find_cache_root(root) / "own"


def keep(parts: Parts, name: str, source: str) -> Dataset:
    """Writes data into the data folder, unless it has them, and describes them; says what they were taken for.

    Args:
        parts: the data, which are read now.
        name: of the data set.
        source: what it was made of: the text that was given to ``--dataset``, or a name for arrays.

    Raises:
        UserError: what ``parts`` refuses while it is read, images without any difference, or nothing can be written.
    """
    for line in parts.notes:
        print(make_printable(line), file=sys.stderr)
    top = find_own_folder()
    with writing_in(top) as scratch:
        draft = scratch / "kept"
        draft.mkdir()
        meta: dict[str, Any] = {"format": FORMAT, "source": source, "classes": parts.classes}
        with showing_progress(f"reading {name}", parts.train.shape[0] + parts.test.shape[0]) as advance:
            for part, found in zip(PARTS, (parts.train, parts.test), strict=True):
                meta[part], levels = _write_part(draft, part, found, advance)
                if part == "train":
                    meta["mean"], meta["std"] = measure_levels(levels, name)
        write_json(draft / META, meta, indent=2)
        known = describe_kept(draft, name, source)
        target = top / known.data_hash
        if not is_sound(target):
            with suppress(FileNotFoundError):
                os.rename(target, scratch / "damaged")
            os.rename(draft, target)
    return describe_kept(target, name, source)


def _write_part(
    folder: Path, part: str, found: Part, advance: Callable[[int], object]
) -> tuple[dict[str, Any], np.ndarray]:
    """What meta.json says of a part, and how often each of 256 levels is in each channel, int64 (C, 256)."""
    levels = np.zeros((found.shape[1], 256), np.int64)
    digest, count = hashlib.sha256(), 0
    with (folder / f"{part}-images.u8").open("wb") as file:
        for piece in found.pieces:
            content = np.ascontiguousarray(piece)
            count += len(content)
            levels += [np.bincount(content[:, channel].reshape(-1), minlength=256) for channel in range(len(levels))]
            digest.update(content.data)
            file.write(content.data)
            advance(len(content))
    assert count == found.shape[0] == len(found.labels)
    labels = found.labels.astype("<i8").tobytes()
    (folder / f"{part}-labels.i8").write_bytes(labels)
    hashes = {"images": digest.hexdigest(), "labels": hashlib.sha256(labels).hexdigest()}
    return {"shape": list(found.shape), "sha256": hashes}, levels


def measure_levels(levels: np.ndarray, name: str) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, grey levels scaled to 0..1, from exact sums.

    A channel that is the same everywhere is divided by 1.

    Args:
        levels: how often each of 256 levels occurs, (C, 256).
        name: of the data set.

    Raises:
        UserError: all channels are the same everywhere.
    """
    means, stds = [], []
    for counts in levels.tolist():
        n = sum(counts)
        total, squares = (sum(count * level**power for level, count in enumerate(counts)) for power in (1, 2))
        means.append(round(total / (255 * n), PLACES))
        stds.append(round(math.sqrt(n * squares - total**2) / (255 * n), PLACES))
    if not any(stds):
        raise UserError(f"{name}: all pixels of all training images are the same; there is nothing to learn")
    return means, [std or 1.0 for std in stds]


def find_kept(data_hash: str, name: str, source: str | None = None) -> Dataset | None:
    """The data of that hash in the data folder; None where it has none.

    Raises:
        UserError: they are there and damaged.
    """
    folder = find_own_folder() / data_hash
    if not os.path.lexists(folder):
        return None
    try:
        return describe_kept(folder, name, source)
    except (Damaged, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{folder}: damaged ({error}); delete it and run again") from None


def list_kept() -> Iterator[tuple[str, str]]:
    """Hash and description of all data in the data folder; what is damaged is left out."""
    top = find_own_folder()
    for folder in sorted(top.iterdir()) if top.is_dir() else []:
        with suppress(Damaged, OSError, KeyError, TypeError, ValueError):
            yield folder.name, describe_kept(folder, "", None).title


def describe_kept(folder: Path, name: str, source: str | None) -> Dataset:
    """The data set in a folder, from what its meta.json says.

    Raises:
        Damaged, KeyError, TypeError, ValueError: it is not what was written.
    """
    meta = read_sealed(folder / META)
    if meta is None or meta["format"] != FORMAT:
        raise Damaged(f"{META} is missing or of another format")
    (images, *rest), (tested, *_) = (meta[part]["shape"] for part in PARTS)
    channels, height, width = rest
    mean, std = (tuple(meta[key]) if channels > 1 else meta[key][0] for key in ("mean", "std"))
    what = f"{images:,} + {tested:,} images of {meta['classes']} classes, {describe_shape(rest)}"
    return Dataset(
        name=name,
        title=f"{what}, from {make_printable(source or meta['source'])}",
        train_images=images,
        input_shape=(channels, height, width),
        classes=meta["classes"],
        holdout=max(1, images // 10),
        mean=mean,
        std=std,
        load_train=partial(load_part, folder, meta["train"], "train"),
        load_test=partial(load_part, folder, meta["test"], "test"),
        fingerprint=partial(compute_hash, [meta["classes"], *(meta[part] for part in PARTS)]),
        batch_size=(DIGITS if images < SMALL else MNIST).batch_size,
        source=source,
    )


def load_part(folder: Path, meta: dict[str, Any], part: str, root: Path | None = None) -> Arrays:
    """Images (N, C, H, W), mapped into memory, and labels (N,) of a part; ``root`` is not used.

    Raises:
        UserError: they are not what was written.
    """
    hashes = meta["sha256"]
    images = _map_verified(folder, f"{part}-images.u8", hashes["images"])
    labels = _map_verified(folder, f"{part}-labels.i8", hashes["labels"])
    return Arrays(images.reshape(meta["shape"]), labels.view("<i8").astype(np.int64))


def _map_verified(folder: Path, name: str, digest: str) -> np.ndarray:
    try:
        with open_regular(folder / name) as file:
            found = np.memmap(file, np.uint8, "r")
            if hashlib.sha256(found.data).hexdigest() == digest:
                return found
        reason: object = "its SHA-256 is another one"
    except (OSError, ValueError) as error:  # ValueError: an empty file.
        reason = error.strerror if isinstance(error, OSError) else error
    raise UserError(f"{folder / name}: damaged ({reason}); delete the folder {folder} and run again")


def is_sound(folder: Path) -> bool:
    """Whether a folder has what its meta.json says."""
    try:
        known = describe_kept(folder, "", None)
        for load in (known.load_train, known.load_test):
            load(None)
    except (UserError, Damaged, OSError, KeyError, TypeError, ValueError):
        return False
    return known.data_hash == folder.name
