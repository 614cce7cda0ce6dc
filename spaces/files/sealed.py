"""Plain data with its checksum: how every JSON file of a run folder is written and read.

A sealed text begins with ``{"checksum": "16 digits", `` and is plain JSON all the same. The checksum
is the beginning of the SHA-256 of all that follows it, so a change of a single byte is noticed.
It guards against damage, not against malice: whoever can write the file can also seal it.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spaces.common.errors import make_printable, shorten
from spaces.files.regular import open_regular

DIGITS = 16
HEAD = b'{"checksum": "'
ASIDE = ".damaged-"  # In the name of what was set aside.
NOT_A_FILE = (errno.ELOOP, errno.EISDIR, errno.EINVAL, errno.ENXIO)
MAX_BYTES = 64 * 2**20  # A record of 10,000 epochs takes 2 MB.


class Damaged(ValueError):
    """A file is not what was written: truncated, garbled, or of another program.

    Its message says why, may quote the file, and is safe to print.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(shorten(make_printable(reason), 2000))


def seal(content: Mapping[str, Any], indent: int | None = None) -> bytes:
    """Plain data as JSON with its checksum.

    Args:
        content: a mapping that is not empty and has no ``checksum`` of its own; finite numbers only.
        indent: spaces a level, for files that people read; None writes one line.
    """
    rest = json.dumps(content, indent=indent, allow_nan=False).encode()[1:]
    return HEAD + _compute_digest(rest) + b'",' + (b"" if indent else b" ") + rest + b"\n"


def unseal(text: bytes) -> dict[str, Any]:
    """Reads what ``seal`` wrote.

    Raises:
        Damaged: it is not what was written; the message says in what way.
    """
    if len(text) > MAX_BYTES:
        raise Damaged(f"larger than {MAX_BYTES} bytes")
    if not text:
        raise Damaged("empty")
    start = len(HEAD) + DIGITS
    if not text.startswith(HEAD) or text[start : start + 2] != b'",':
        raise Damaged("it does not begin with its checksum")
    rest = text[start + 2 :].removeprefix(b" ").removesuffix(b"\n")
    if _compute_digest(rest) != text[len(HEAD) : start]:
        raise Damaged("its content does not match its checksum")
    try:
        content = json.loads(b"{" + rest)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"not JSON: {' '.join(str(error).split())[:80]}") from None
    return content


def read_sealed(path: str | Path) -> dict[str, Any] | None:
    """Reads a file that holds what ``seal`` wrote; None where there is none.

    Raises:
        Damaged: it is not what was written, or no file of its own but a link or a pipe.
        OSError: it cannot be read.
    """
    try:
        with open_regular(path, links=False) as stream:
            return unseal(stream.read(MAX_BYTES + 1))
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in NOT_A_FILE:
            raise Damaged("a link, folder or pipe, which invsearch never makes there") from None
        raise


def _compute_digest(rest: bytes) -> bytes:
    return hashlib.sha256(rest).hexdigest()[:DIGITS].encode()
