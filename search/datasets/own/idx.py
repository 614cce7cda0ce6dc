"""Four IDX files in a folder, as MNIST and those after it come: Fashion-MNIST, KMNIST, EMNIST.

Images are taken as they are stored, also EMNIST's, which are transposed there.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from search.datasets.files.verify import SLACK, open_limited, read_content_of
from search.datasets.mnist import parse_idx
from search.datasets.own.parts import Parts, Source, list_folder, make_parts, refusing
from search.datasets.own.reference import Reference
from spaces.common.errors import UserError, shorten

# train-images-idx3-ubyte.gz, train-images.idx3-ubyte, emnist-letters-test-labels-idx1-ubyte and their like.
NAME = re.compile(
    r"(?:(?P<subset>.+)[-._])?(?P<part>train|t10k|test)[-._](?P<what>images|labels)[-._]idx[13][-._]ubyte(?:\.gz)?"
)
FILES = {  # What names call them -> the array they hold.
    ("train", "images"): "x_train",
    ("train", "labels"): "y_train",
    ("test", "images"): "x_test",
    ("test", "labels"): "y_test",
}
ADVICE = "get it again"
MOST = 2**33  # Bytes of a file, decompressed.


def open_idx(reference: Reference) -> Source:
    """The four files in the folder of a reference.

    Raises:
        UserError: no such folder, files that are missing, or several data sets.
    """
    found = find_sets(reference.path)
    complete = sorted(name for name, files in found.items() if len(files) == len(FILES))
    chosen = reference.subset
    if chosen is None and len(complete) == 1:
        chosen = complete[0]
    if chosen not in complete:
        raise UserError(_explain_missing(reference, found, complete))
    files = found[chosen]
    return Source(list(files.values()), lambda: read_idx(files, str(reference.path)))


def find_sets(folder: Path) -> dict[str, dict[str, Path]]:
    """The IDX files of a folder by the beginning of their names, often nothing, and by the array that they hold.

    Raises:
        UserError: no such folder.
    """
    found: dict[str, dict[str, Path]] = {}
    for name in list_folder(folder):  # In order, so that one that is there unpacked is taken before its .gz.
        if (match := NAME.fullmatch(name)) and os.path.isfile(folder / name):
            part = "train" if match["part"] == "train" else "test"
            found.setdefault(match["subset"] or "", {}).setdefault(FILES[part, match["what"]], folder / name)
    return found


def _explain_missing(reference: Reference, found: dict[str, dict[str, Path]], complete: list[str]) -> str:
    where = reference.path
    if complete:
        what = "has several data sets" if reference.subset is None else f"has no {reference.subset!r}"
        named = shorten(" or ".join(f"{reference.kind},subset={name}:{where}" for name in complete), 400)
        return f"{where}: {what}; give {named if any(complete) else f'{reference.kind}:{where}'}"
    usual = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"
    if not found:
        return f"{where}: has no IDX files; their names are {usual}, raw or with .gz"
    subset, files = max(found.items(), key=lambda item: len(item[1]))
    lacking = [" ".join(key) for key, name in FILES.items() if name not in files]
    return f"{where}: lacks the {', '.join(lacking)}{f' of {subset}' if subset else ''}; the names are {usual}"


def read_idx(files: dict[str, Path], where: str) -> Parts:
    """The parts in four files.

    Raises:
        UserError: one is damaged or of another format, or they do not belong together.
    """
    arrays = {name: _read_array(path, 3 if name.startswith("x") else 1) for name, path in files.items()}
    parts = make_parts(arrays, where)
    turned = ["EMNIST stores its images transposed; they stay so"] if "emnist" in files["x_train"].name.lower() else []
    return replace(parts, notes=[*parts.notes, *turned])


def _read_array(path: Path, dims: int) -> np.ndarray:
    with refusing(path, "a gzip file", ADVICE), open_limited(path, MOST) as raw:
        content = read_content_of(raw).read(MOST + SLACK)
    return parse_idx(content, dims, str(path))
