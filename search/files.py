"""Small files written whole or not at all, and read with suspicion: a run folder may come from a stranger."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from spaces.sealed import ASIDE, MAX_BYTES, Damaged, seal, unseal


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file so that a reader sees the old content or the new, never a part.

    Args:
        path: the file; its folder must exist.
        write: writes the content to an open binary file.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())  # Or a power cut could leave the new name on an empty file.
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def finite(content: Any) -> Any:
    """Plain data with every non-finite number replaced by None, because JSON has no NaN."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return content


def write_json(path: Path, content: Mapping[str, Any], indent: int | None = None) -> None:
    """Writes plain data as sealed JSON, atomically; non-finite numbers become null."""
    write_atomically(path, lambda stream: stream.write(seal(finite(dict(content)), indent)))


def read_json(path: Path) -> dict[str, Any] | None:
    """Reads what ``write_json`` wrote; None where there is no file.

    Raises:
        Damaged: it is not what was written.
        OSError: it cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise Damaged("a link, which invsearch never makes") from None
        raise error
    with open(handle, "rb") as stream:
        return unseal(stream.read(MAX_BYTES + 1))


def append_line(path: Path, content: Mapping[str, Any]) -> None:
    """Appends plain data as one sealed line in a single write; the file grows, and lines never mix.

    A line that a killed process left half written is closed first, so that it spoils no other.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    handle = os.open(path, flags, 0o644)
    try:
        size = os.fstat(handle).st_size
        torn = size and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (b"\n" if torn else b"") + seal(finite(dict(content))))
    finally:
        os.close(handle)


def read_lines(path: Path) -> Iterator[dict[str, Any] | Damaged]:
    """The lines that ``append_line`` wrote, in their order; nothing where there is no file.

    Yields:
        A line's content, or what is wrong with it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    with open(handle, "rb") as stream:
        for line in stream:
            try:
                yield unseal(line)
            except Damaged as error:
                yield error


def set_aside(path: Path, copy: bool = False) -> Path:
    """Renames a damaged file so that its name says so; nothing is ever deleted for being damaged.

    Args:
        path: a file, folder or link.
        copy: leave the original where it is, as its holder has it open.

    Returns:
        Its new path.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S")
    names = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    aside = next(
        name for suffix in names if not os.path.lexists(name := path.with_name(f"{path.name}{ASIDE}{stamp}{suffix}"))
    )
    if copy:
        content = path.read_bytes()
        write_atomically(aside, lambda stream: stream.write(content))
    else:
        os.rename(path, aside)
    return aside
