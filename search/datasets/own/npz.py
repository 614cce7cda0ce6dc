"""Four arrays in a file of ``numpy.savez``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from search.datasets.own.parts import NAMES, Parts, Source, make_parts, refusing
from search.datasets.own.reference import Reference
from spaces.common.errors import UserError
from spaces.files.regular import open_regular

ADVICE = f"make it with numpy.savez(path, {', '.join(f'{name}=..' for name in NAMES)}), arrays of numbers only"
MOST = 2**33  # Bytes of the four arrays, decompressed; more of a file that is larger itself, as uncompressed ones are.


def open_npz(reference: Reference) -> Source:
    """The file of a reference.

    Raises:
        UserError: there is none.
    """
    path = reference.path
    if not path.is_file():
        what = "not a regular file" if path.exists() else "no such file"
        raise UserError(f"dataset: {path}: {what}; give the path of an .npz file")
    return Source([path], lambda: read_npz(path))


def read_npz(path: Path) -> Parts:
    """The parts in a file; nothing in it is unpickled.

    Raises:
        UserError: damaged, another kind of file, decompressed too large, or what ``make_parts`` refuses.
    """
    with refusing(path, "an .npz file", ADVICE), open_regular(path) as file:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            raise UserError(f"{path}: a single array, as numpy.save writes it; {ADVICE}")
        with content:
            size = sum(
                member.file_size for member in content.zip.infolist() if member.filename.removesuffix(".npy") in NAMES
            )
            if size > max(MOST, path.stat().st_size):
                raise UserError(
                    f"{path}: unpacks to {size:,} bytes, more than {MOST:,}; save it with numpy.savez, uncompressed"
                )
            arrays = {name: content[name] if name in NAMES else None for name in content.files}
    return make_parts(arrays, str(path))
