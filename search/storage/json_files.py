"""Small files written whole or not at all, and read with suspicion: a run folder may come from a stranger."""

from __future__ import annotations

import errno
import itertools
import math
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from spaces.files.atomic import write_atomically
from spaces.files.regular import open_regular
from spaces.files.sealed import ASIDE, Damaged, seal, unseal


def replace_not_finite(content: Any) -> Any:
    """Plain data with every non-finite number replaced by None, because JSON has no NaN."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {key: replace_not_finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [replace_not_finite(value) for value in content]
    return content


def write_json(path: Path, content: Mapping[str, Any], indent: int | None = None) -> None:
    """Writes plain data as sealed JSON, atomically; non-finite numbers become null."""
    write_atomically(path, seal(replace_not_finite(dict(content)), indent))


def append_line(path: Path, content: Mapping[str, Any]) -> None:
    """Appends plain data as one sealed line in a single write; the file grows, and lines never mix.

    A line that a killed process left half written is closed first, so that it spoils no other.
    """
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    try:
        check_ours(handle, path)
        size = os.fstat(handle).st_size
        torn = size and os.pread(handle, 1, size - 1) != b"\n"
        line = (b"\n" if torn else b"") + seal(replace_not_finite(dict(content)))
        if os.write(handle, line) < len(line):  # A disk that becomes full takes a part.
            os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(handle)


def check_ours(handle: int, path: Path) -> None:
    """Refuses to write in place what is not a regular file, or has a second name that may lie outside the run folder.

    Raises:
        OSError: it is such a file.
    """
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise OSError(errno.EINVAL, "not a file of its own; remove it", str(path))


def read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The sound lines that ``append_line`` wrote, in their order, and how many are damaged; none where no file is."""
    sound, damaged = [], 0
    with suppress(FileNotFoundError), open_regular(path, links=False) as stream:
        for line in stream:
            try:
                sound.append(unseal(line))
            except Damaged:
                damaged += 1
    return sound, damaged


def set_aside(path: Path, copy: bool = False) -> Path:
    """Renames a damaged file so that its name says so; nothing is ever deleted for being damaged.

    Args:
        path: a file, folder or link.
        copy: leave a file where it is, because it is open or about to be replaced; anything else is renamed.

    Returns:
        Its new path.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S")
    suffixes = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (path.with_name(f"{path.name}{ASIDE}{stamp}{suffix}") for suffix in suffixes)
    aside = next(name for name in names if not os.path.lexists(name))
    if copy and path.is_file() and not path.is_symlink():
        write_atomically(aside, path.read_bytes())
    else:
        os.rename(path, aside)
    return aside
