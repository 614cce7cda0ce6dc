"""Reading a published file and knowing that it is the right one."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from search.datasets.files.cache import VARIABLE, DataFile, Store
from spaces.common.errors import UserError, shorten
from spaces.files.regular import open_regular

GZIP_MAGIC = b"\x1f\x8b"
SLACK = 2**16  # What gzip may add to content that it cannot compress.


class UnusableFileError(Exception):
    """Why a file is not what it should be, as the end of a sentence that begins with its name."""

    def give_advice(self, command: str, what: str) -> str:
        """What to do about the file, which ``command`` gets, also from ``what``."""
        return f"delete it and run '{command}', or bring in a good one with '{command} --from {what}'"


class UnreadableFileError(UnusableFileError):
    """The system does not let us read the file, which may be good: no reason to delete it."""

    def give_advice(self, command: str, what: str) -> str:
        """What to do about the file."""
        return f"have its owner make it readable, or set {VARIABLE} to a folder of your own and run '{command}'"


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Reads other people's bytes: whatever a library raises on them becomes one reason.

    Args:
        what: what the bytes should be, such as "a zip file".

    Raises:
        UnusableFileError: the bytes are not that.
        UnreadableFileError: the system gave none.
    """
    try:
        yield
    except (UnusableFileError, UserError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise UnreadableFileError(f"cannot be read ({error.strerror})") from None
        reason = shorten(" ".join(str(error).split()) or type(error).__name__, 100)
        raise UnusableFileError(f"is truncated, damaged or not {what} ({reason})") from None


class Inflated(io.RawIOBase):
    """The content of a gzip file, of one member or several.

    Python's own reader goes through millions of empty members before it says a word. This one gives up on a file that
    is longer than what came out of it, so its time is bounded by what its reader takes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._rest, self._surplus = file, b"", 0
        self._member = zlib.decompressobj(wbits=31)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fills a part of the buffer; 0 at the end.

        Raises:
            EOFError: the file ends before its content does.
            zlib.error: damaged, or no gzip file.
            UnusableFileError: it has far more bytes than content.
        """
        while True:
            if len(self._rest) < len(GZIP_MAGIC):
                self._rest += self._file.read(SLACK)
            if self._member.eof:
                if not self._rest.startswith(GZIP_MAGIC):
                    return 0  # Zeros or a signature may follow.
                self._member = zlib.decompressobj(wbits=31)
            if not self._rest:
                raise EOFError("it ends too early")
            content = self._member.decompress(self._rest, len(buffer))
            left = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._surplus += len(self._rest) - len(left) - len(content)
            self._rest = left
            if self._surplus > 4 * SLACK:
                raise UnusableFileError("is far larger than what it holds")
            if content:
                buffer[: len(content)] = content
                return len(content)


def read_content_of(raw: BinaryIO) -> BinaryIO:
    """What a file holds, decompressed if it is gzipped.

    That is seen from its first bytes: browsers decompress downloads and keep the ``.gz``.
    """
    zipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    raw.seek(0)
    return io.BufferedReader(Inflated(raw), SLACK) if zipped else raw


def read_content(store: Store, file: DataFile, path: Path) -> bytes:
    """The verified, decompressed content of ``file`` as it lies at ``path``, gzipped or raw.

    Raises:
        UnusableFileError: unreadable, damaged, or the content of another file.
    """
    limit = max(known.size for known in store.files) + 1  # A gzip bomb goes no further.
    with reading("a gzip file"), open_regular(path) as raw:
        if os.fstat(raw.fileno()).st_size > limit + SLACK:
            raise UnusableFileError("is far larger than it should be")
        content = read_content_of(raw).read(limit)
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


def find_first_good(store: Store, file: DataFile, root: Path | None) -> tuple[Path, bytes | UnusableFileError] | None:
    """The first file below ``root`` that is ``file``, so that a damaged one hides no good one.

    Returns:
        Its path and verified content; of several unusable ones the first and its reason; None where there is none.
    """
    wrong = None
    for path in store.list_paths(file, root):
        try:
            return path, read_content(store, file, path)
        except UnusableFileError as reason:
            wrong = wrong or (path, reason)
    return wrong


def read_cached(store: Store, file: DataFile, root: Path | None = None) -> bytes:
    """The verified content of ``file``, wherever below ``root`` it lies.

    Raises:
        UserError: missing or unusable, and what to do.
    """
    command = f"invsearch data {store.name}"
    found = find_first_good(store, file, root)
    if found is None:
        raise UserError(f"{store.folder(root)}: {file.name} is missing; run '{command}'")
    path, content = found
    if isinstance(content, UnusableFileError):
        raise UserError(f"{path} {content}; {content.give_advice(command, 'DIR')}")
    return content
