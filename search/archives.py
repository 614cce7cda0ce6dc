"""A run folder out of an archive, such as the ``run.tar.xz`` of a committed run."""

from __future__ import annotations

import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from spaces import UserError
from spaces.common.errors import printable, shorten
from spaces.specs.records import FILES
from spaces.specs.run import SPEC

TOP = (SPEC, "costs.json", "history.jsonl")
# What a damaged or hostile archive can raise.
UNREADABLE = (
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    ArithmeticError,
    RecursionError,
)
MOST_MEMBERS, MOST_BYTES = 2**21, 2**32  # What is unpacked of one run: a million trials, 4 GiB.


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """A run folder as it is, or one that is unpacked from an archive to a temporary folder, which goes at the end.

    Of an archive only the files of a run are unpacked, each by its own name under the temporary folder; links, devices
    and everything else in it are passed over.

    Raises:
        UserError: the archive cannot be read, or does not hold one run.
    """
    if not path.is_file():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="invsearch-") as scratch:
        folder = Path(scratch, "run")
        try:
            _unpack(path, folder)
        except UserError:
            raise
        except UNREADABLE as error:
            why = shorten(printable(error))
            raise UserError(f"{path}: cannot be read as an archive of a run ({why}); give its run.tar.xz") from None
        yield folder


def _unpack(path: Path, folder: Path) -> None:
    tops, left = set[tuple[str, ...]](), MOST_BYTES
    with tarfile.open(path, "r|*") as archive:
        for number, member in enumerate(archive):
            left -= member.size
            if number >= MOST_MEMBERS or left < 0:
                raise ValueError("it holds far more than a run")
            parts = tuple(part for part in PurePosixPath(member.name).parts if part not in (".", "/"))
            inner = _find_place(parts)
            if inner is None or not member.isreg():
                continue
            tops.add(parts[: -len(inner)])
            if len(tops) > 1:
                raise UserError(f"{path}: holds several runs; unpack it and give the folder of one")
            content = archive.extractfile(member)
            assert content is not None  # Of a regular file there is one.
            place = folder.joinpath(*inner)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())
    if not tops:
        raise UserError(f"{path}: holds no {SPEC} and no trials, so it is no archive of a run; give a run.tar.xz")


def _find_place(parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """Where in a run folder a member of an archive belongs; None if nowhere."""
    if parts and parts[-1] in TOP:
        return parts[-1:]
    is_trial = len(parts) >= 3 and parts[-3] == "trials" and parts[-1] in FILES and not parts[-2].startswith(".")
    return parts[-3:] if is_trial else None
