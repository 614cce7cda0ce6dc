"""Reading a published file and knowing that it is the right one."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

from search.datasets.cache import DataFile, Store
from spaces.errors import UserError
from spaces.regular import open_regular

GZIP_MAGIC = b"\x1f\x8b"
SLACK = 2**16  # What gzip may add to content that it cannot compress.


class UnusableFileError(Exception):
    """Why a file is not what it should be, as the end of a sentence that begins with its name."""


def read_content(store: Store, file: DataFile, path: Path) -> bytes:
    """The verified, decompressed content of ``file`` as it lies at ``path``, gzipped or raw.

    Whether it is gzipped is seen from its first bytes: browsers decompress downloads and keep the ``.gz``.

    Raises:
        UnusableFileError: unreadable, damaged, or the content of another file.
    """
    limit = max(known.size for known in store.files) + 1  # A gzip bomb goes no further.
    try:
        with open_regular(path) as raw:
            if os.fstat(raw.fileno()).st_size > limit + SLACK:
                raise UnusableFileError("is far larger than it should be")
            zipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            raw.seek(0)
            if zipped:
                with gzip.open(raw) as stream:
                    content = stream.read(limit)
            else:
                content = raw.read(limit)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UnusableFileError("is a truncated or damaged gzip file") from None
    except OSError as error:
        raise UnusableFileError(f"cannot be read ({error.strerror or error})") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest == file.sha256:
        return content
    twin = next((other.name for other in store.files if other.sha256 == digest), None)
    if twin:
        raise UnusableFileError(f"holds the content of {twin}, not of {file.name}")
    if len(content) < file.size:
        raise UnusableFileError(f"is truncated or not {file.name}: {len(content)} bytes instead of {file.size}")
    if len(content) > file.size:
        raise UnusableFileError(f"is not {file.name}: more than its {file.size} bytes")
    raise UnusableFileError(f"is damaged or from another data set: the right size for {file.name}, but not its SHA-256")


def read_cached(store: Store, file: DataFile, folder: Path) -> bytes:
    """The verified content of ``file`` in ``folder``.

    Raises:
        UserError: missing or unusable, and what to do.
    """
    command = f"invsearch data {store.name}"
    path = store.find(file, folder)
    if path is None:
        raise UserError(f"{folder}: {file.name} is missing; run '{command}'")
    try:
        return read_content(store, file, path)
    except UnusableFileError as reason:
        raise UserError(
            f"{path} {reason}; delete it and run '{command}', or bring in good files with '{command} --from DIR'"
        ) from None
