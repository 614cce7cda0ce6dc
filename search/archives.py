"""A run in one file, such as the ``run.tar.xz`` of a committed run: written, read for a while, or unpacked for good."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import os
import re
import secrets
import shutil
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from search.storage import invocations, repair, sources
from search.storage.driver import NAME as LOCK_NAME
from search.storage.driver import find_driver
from search.storage.places.layout import DECISIONS_FILE, PART, PLAIN
from spaces import UserError
from spaces.common.errors import make_printable, shorten
from spaces.common.wording import format_command
from spaces.files.sealed import unseal
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
        _unpack(path, folder, _find_place, f"TMPDIR: {scratch}")
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
        UserError: something in the folder is damaged, or cannot be in an archive; a driver worked on it meanwhile; or
            the file does not read back as it was written.
        OSError: it cannot be written.
    """
    if damaged := repair.inspect(run, deep=True):
        mending = format_command("invsearch", "check", run, "--repair")
        raise UserError(f"{damaged[0].path}: damaged ({damaged[0].reason}); {mending} repairs what it can")
    last_driver, home = _read_lock(run), run.resolve().name
    top = "run" if home == sources.FOLDER else home  # All below a folder of that name is taken for a source.
    names = _list_kept(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft, digests = out.with_name(f".{out.name}.{secrets.token_hex(4)}"), dict[str, bytes]()
    try:
        with tarfile.open(draft, "w:xz") as archive:
            for name in names:
                content = (run / name).read_bytes()
                member = tarfile.TarInfo(f"{top}/{name}")
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
        if find_driver(run) is not None or _read_lock(run) != last_driver:
            raise UserError(f"{run}: a driver worked on it meanwhile; archive it once nobody does")
        os.replace(draft, out)
    finally:
        draft.unlink(missing_ok=True)
    return len(names)


def _read_lock(run: Path) -> bytes:
    """What a run's lock says, which each driver changes."""
    try:
        return (run / LOCK_NAME).read_bytes()
    except FileNotFoundError:
        return b""


def _list_kept(run: Path) -> list[str]:
    """The names of all that an archive of the run holds, sorted.

    Raises:
        UserError: a source has a name that no archive keeps, or it is a link; or there is more than is unpacked.
    """
    names, size = list[str](), 0
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run).as_posix()
        kept = KEPT.fullmatch(name) and not path.is_symlink()
        if path.is_dir() and not path.is_symlink():
            continue
        if kept:
            names.append(name)
            size += path.stat().st_size
        elif name.startswith(f"{sources.FOLDER}/"):
            raise UserError(
                f"{make_printable(path)}: a link, or has control characters in its name; rename or remove it"
            )
    if size > MOST_BYTES or len(names) > MOST_MEMBERS:
        raise UserError(
            f"{run}: {size:,} bytes in {len(names):,} files are more than unarchive unpacks ({MOST_BYTES:,} bytes, "
            f"{MOST_MEMBERS:,} files); copy the folder, or push it to a bucket"
        )
    return names


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
        _unpack(path, draft, _find_kept, f"out: {out}")
        if not (draft / SPEC).exists():
            raise UserError(f"{path}: holds no {SPEC}, so it is not an archive of a run; give a run.tar.xz")
        history, damaged = draft / invocations.NAME, repair.inspect(draft, deep=True)
        if [one.path for one in damaged] == [history] and _is_older(history):
            mending = format_command("invsearch", "check", out, "--repair")
            print(
                f"{out / history.name}: from before its lines had checksums; {mending} sets it aside", file=sys.stderr
            )
        elif damaged:
            where = damaged[0].path.relative_to(draft)
            raise UserError(f"{path}: {where} is damaged ({damaged[0].reason}); have it archived and sent again")
        os.rename(draft, out)  # Takes the place of an empty folder, never of another one.
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return sum(file.is_file() for file in out.rglob("*"))


def _is_older(history: Path) -> bool:
    """Whether each line is sound, or whole and from before lines had checksums."""
    try:
        for line in history.read_bytes().splitlines():
            if line.startswith(b'{"event": '):
                json.loads(line)
            else:
                unseal(line)
    except ValueError:  # Damaged too.
        return False
    return True


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
        why = shorten(make_printable(error))
        raise UserError(f"{path}: cannot be read as an archive of a run ({why}); give its run.tar.xz") from None


def _unpack(
    path: Path, folder: Path, find_place: Callable[[tuple[str, ...]], tuple[str, ...] | None], where: str
) -> None:
    """Unpacks to ``folder``; ``where`` says what that is if it cannot be written."""
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
                raise UserError(f"{path}: holds several runs; unpack it with tar and give the folder of one")
            content = archive.extractfile(member)
            assert content is not None  # Of a regular file there is one.
            place, unpacked = folder.joinpath(*inner), content.read()
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(unpacked)
            except OSError as error:
                raise UserError(f"{where}: cannot be written ({error.strerror}); give another folder") from None
    if not tops:
        raise UserError(f"{path}: holds no {SPEC} and no trials, so it is not an archive of a run; give a run.tar.xz")


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
