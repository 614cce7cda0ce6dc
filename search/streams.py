"""Standard output and error, whose loss is no trouble with the run.

A log reader exits, a terminal closes, a disk that takes a log is full: training continues quietly, and the history says
so.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

from spaces.common.errors import escape_text

if TYPE_CHECKING:
    from rich.console import Console

COLOUR = re.compile(r"\x1b\[[\d;]*m")  # Ray's own lines have them, whatever they go to.
GONE = (errno.EPIPE, errno.EIO)  # A pipe's reader; a terminal.


RENAMED: dict[str, str] = {}  # How messages call a path: a mirror by the URL of its run.


def rename(text: str) -> str:
    """Text with what is said of a path in its place."""
    for path, name in RENAMED.items():
        text = text.replace(path, name)
    return text


class Kept:
    """Standard error that, once it cannot be written, takes everything and shows nothing.

    Attributes:
        lost: what became of it, None while it is well.
    """

    def __init__(self, stream: Any):
        self._stream = stream
        self.lost: str | None = None

    def write(self, text: str) -> int:
        """Shows text, or not."""
        self._bear(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Shows what waits, or not."""
        self._bear(self._stream.flush)

    def _bear(self, act: Callable[..., object], *arguments: str) -> None:
        try:
            act(*arguments)
        except OSError as error:
            self.lost = self.lost or f"standard error: {error.strerror or error}"
            drop(self._stream)  # What is still in its buffer, and what Ray says there, goes the same way.

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Escaping:
    """A text stream on which nothing that a user or a file put into a text controls the terminal.

    Attributes:
        rich_proxied_file: what shows it, where rich writes instead, which is to control the terminal.
    """

    def __init__(self, stream: Any):
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        """Shows text."""
        self.rich_proxied_file.write(escape_text(COLOUR.sub("", rename(text))))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


@contextmanager
def guarded() -> Iterator[None]:
    """Within the ``with`` block standard error cannot end the program, and no output controls the terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # As stderr, for letters that a terminal cannot show.
    output: Any = Escaping(sys.stdout)
    errors: Any = Escaping(Kept(sys.stderr))
    with redirect_stdout(output), redirect_stderr(errors):
        yield


def open_handles() -> None:
    """Opens what of handles 0 to 2 is closed: else a file of the run gets its number, and what others say there.

    Python has no stream for those. What is printed to none goes to standard output, and Ray would not start.
    """
    for handle, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(handle)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # The lowest that is free: this one.
            os.set_inheritable(nowhere, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115


def name_loss() -> str | None:
    """What became of standard error; None while it is well."""
    return getattr(sys.stderr, "lost", None)


def show(*lines: str) -> None:
    """Prints the last lines of a command that trained; a reader that has left needs none: the records say it all."""
    try:
        print(*lines, sep="\n", flush=True)
    except OSError as error:
        if error.errno not in GONE:
            raise
        drop(sys.stdout)


def make_console(standard_error: bool) -> Console:
    """Draws on a terminal only, whatever FORCE_COLOR and its like say: a file would fill with frames."""
    from rich.console import Console

    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    stream = sys.stderr if standard_error else sys.stdout
    draws = not dumb and stream.isatty()
    # What rich draws in place goes past `Escaping`, also where it has put itself in between.
    file = getattr(stream, "rich_proxied_file", stream) if draws else None
    return Console(file=file, stderr=standard_error, force_terminal=None if draws else False, force_interactive=draws)


def find_width() -> int | None:
    """Columns of the terminal that standard output goes to; None where it is none, and lines may be long."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def drop(stream: Any) -> None:
    """Lets what is still to be shown go, or Python would fail with it at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
