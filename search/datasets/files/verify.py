"""Reading other people's files: whatever is wrong with them becomes one reason, and no read goes on without end."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from search.datasets.files.cache import VARIABLE
from spaces.common.errors import UserError, shorten
from spaces.files.regular import open_regular

GZIP_MAGIC = b"\x1f\x8b"
SLACK = 2**16  # What gzip may add to content that it cannot compress.
T = TypeVar("T")


class UnusableFileError(Exception):
    """Why a file is not what it should be, as the end of a sentence that begins with its name."""

    advice = "delete it and run '{0}', or bring in a good one with '{0} --from {1}'"

    def explain(self, path: Path, name: str | None, form: str = "") -> UserError:
        """What to say of a file of the data set ``name``, which --from takes as a ``form``; None: of one to import."""
        known = self.advice.format(f"invsearch data {name}", form)
        return UserError(f"{path} {self}; {known if name else 'nothing was imported, get it again and try again'}")


class UnreadableFileError(UnusableFileError):
    """The system does not let us read the file, which may be good: no reason to delete it."""

    advice = f"have its owner make it readable, or set {VARIABLE} to a folder of your own and run '{{0}}'"


def read_good(paths: Iterable[Path], read: Callable[[Path], T], name: str | None = None, form: str = "") -> T:
    """What ``read`` finds in the first good one of at least one file: a damaged one hides no good one.

    Raises:
        UserError: all are unusable; the first one, as ``explain`` says it.
    """
    errors = []
    for path in paths:
        try:
            return read(path)
        except UnusableFileError as reason:
            errors.append(reason.explain(path, name, form))
    raise errors[0]


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Reads other people's bytes as ``what``, "a zip file": whatever a library raises on them becomes one reason.

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


@contextmanager
def open_limited(path: Path, limit: int) -> Iterator[BinaryIO]:
    """A file of at most ``limit`` bytes; only opening it is tried, not what is done with it.

    Raises:
        UnusableFileError: larger, or not to be opened.
    """
    with ExitStack() as stack:
        with reading("a file"):
            file = stack.enter_context(open_regular(path))
        if os.fstat(file.fileno()).st_size > limit:
            raise UnusableFileError("is far larger than it should be")
        yield file


class _Inflated(io.RawIOBase):
    """The content of a gzip file, of one member or several.

    Python's own reader goes through millions of empty members before it says a word. This one gives up on a file that
    is longer than what came out of it, so its time is bounded by what its reader takes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._rest, self._surplus = file, b"", 0
        self._member = zlib.decompressobj(wbits=31)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
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
    """What a file holds, decompressed if it begins as gzip does: browsers decompress downloads and keep the ``.gz``."""
    zipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    raw.seek(0)
    return io.BufferedReader(_Inflated(raw), SLACK) if zipped else raw
