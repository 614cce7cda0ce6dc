"""A run in one file, such as the ``run.tar.xz`` of a committed run: written, read for a while, or unpacked for good."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import re
import secrets
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from search.storage import repair
from search.storage.places.layout import DECISIONS_FILE, PART, PLAIN
from spaces import UserError
from spaces.common.errors import printable, shorten
from spaces.specs.records import FILES
from spaces.specs.run import SPEC

KEPT = re.compile(rf"{PLAIN.pattern}|{re.escape(DECISIONS_FILE)}|trials/{PART}/checkpoint-\d{{1,9}}\.safetensors")
"""The names in a run folder of all that it takes to continue the run elsewhere."""

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
        _unpack(path, folder, _find_place)
        yield folder


def write_archive(run: Path, out: Path) -> int:
    """Writes all that it takes to continue a run elsewhere to one file, packed by xz, and reads it back.

    What a page, another program or a driver left in the folder is not in it.

    Args:
        run: a run folder that no driver works on.
        out: the file; whole or not at all.

    Returns:
        How many files are in it.

    Raises:
        UserError: something in the folder is damaged, or the file does not read back as it was written.
        OSError: it cannot be written.
    """
    if damaged := repair.inspect(run, deep=True):
        raise UserError(f"{damaged[0].path}: damaged ({damaged[0].reason}); invsearch check --repair mends what can be")
    names = sorted(name for path in run.rglob("*") if KEPT.fullmatch(name := path.relative_to(run).as_posix()))
    out.parent.mkdir(parents=True, exist_ok=True)
    draft, digests = out.with_name(f".{out.name}.{secrets.token_hex(4)}"), dict[str, bytes]()
    try:
        with tarfile.open(draft, "w:xz") as archive:
            for name in names:
                content = (run / name).read_bytes()
                member = tarfile.TarInfo(f"{run.resolve().name}/{name}")
                member.size, member.mtime = len(content), int((run / name).stat().st_mtime)
                archive.addfile(member, io.BytesIO(content))
                digests[member.name] = hashlib.sha256(content).digest()
        with tarfile.open(draft, "r|xz") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None or hashlib.sha256(content.read()).digest() != digests.pop(member.name, None):
                    raise UserError(f"{out}: {member.name} does not read back as it was written; try another disk")
        if digests:
            raise UserError(f"{out}: {next(iter(digests))} does not read back; try another disk")
        os.replace(draft, out)
    finally:
        draft.unlink(missing_ok=True)
    return len(names)


def unpack_archive(path: Path, out: Path) -> int:
    """Unpacks a run from an archive to a new folder, and verifies every checksum in it.

    Args:
        path: the archive.
        out: a folder that is not there yet, or empty; filled whole or not at all.

    Returns:
        How many files there are.

    Raises:
        UserError: the archive cannot be read, does not hold one run, or something in it is damaged.
        OSError: the folder cannot be written.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        _unpack(path, draft, _find_kept)
        if damaged := repair.inspect(draft, deep=True):
            where = damaged[0].path.relative_to(draft)
            raise UserError(f"{path}: {where} is damaged ({damaged[0].reason}); have it archived and sent again")
        os.rename(draft, out)  # Takes the place of an empty folder, never of another one.
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return sum(file.is_file() for file in out.rglob("*"))


def find_name(path: Path) -> str:
    """What the run in an archive is called: the folder that the archive begins with, else the archive's own name.

    Raises:
        UserError: the archive cannot be read.
    """
    with _reading(path), tarfile.open(path, "r|*") as archive:
        parts = PurePosixPath(member.name).parts if (member := archive.next()) else ()
    if len(parts) > 1 and re.fullmatch(PART, parts[0]):
        return parts[0]
    return path.name.split(".")[0] or "run"


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except UNREADABLE as error:
        why = shorten(printable(error))
        raise UserError(f"{path}: cannot be read as an archive of a run ({why}); give its run.tar.xz") from None


def _unpack(path: Path, folder: Path, find_place: Callable[[tuple[str, ...]], tuple[str, ...] | None]) -> None:
    tops, left = set[tuple[str, ...]](), MOST_BYTES
    with _reading(path), tarfile.open(path, "r|*") as archive:
        for number, member in enumerate(archive):
            left -= member.size
            if number >= MOST_MEMBERS or left < 0:
                raise ValueError("it holds far more than a run")
            parts = tuple(part for part in PurePosixPath(member.name).parts if part not in (".", "/"))
            inner = find_place(parts)
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


def _find_kept(parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """As ``_find_place``, of all that it takes to continue the run."""
    ends = (parts[place:] for place in range(len(parts)))
    return next((end for end in ends if KEPT.fullmatch("/".join(end))), None)
