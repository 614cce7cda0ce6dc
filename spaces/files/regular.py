"""Opening a file whose folder may come from a stranger: only what is a file of its own, no pipe and no device."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def _open_at_once(path: str, flags: int) -> int:
    """Opens a pipe too without waiting for its other end, and no terminal as our own."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _open_own(path: str, flags: int) -> int:
    """Also no link, which could lead anywhere."""
    return _open_at_once(path, flags | os.O_NOFOLLOW)


@contextmanager
def open_regular(path: str | Path, links: bool = True) -> Iterator[BinaryIO]:
    """A regular file, open for reading; a pipe would wait for ever and a device might never end.

    Args:
        path: the file.
        links: whether it may be a link to one.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    with open(path, "rb", opener=_open_at_once if links else _open_own) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # Asked of the file that is open now.
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield file
