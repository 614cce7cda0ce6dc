"""Opening a file whose folder may come from a stranger: only what is a file of its own, no pipe and no device."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_regular(path: str | Path, links: bool = True) -> Iterator[BinaryIO]:
    """A regular file, open for reading; a pipe would wait for ever and a device might never end.

    With ``links`` it may be a link to one, which could lead anywhere.

    Raises:
        OSError: it cannot be opened, or is not a regular file.
    """
    # A pipe is opened without waiting for its other end, and no terminal as our own.
    more = os.O_NONBLOCK | os.O_NOCTTY | (0 if links else os.O_NOFOLLOW)
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | more)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # Asked of the file that is open now.
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield file
