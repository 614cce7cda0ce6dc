"""Small files written whole or not at all."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO


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


def write_json(path: Path, content: Any, indent: int | None = None) -> None:
    """Writes plain data as JSON, atomically; non-finite numbers become null."""
    text = json.dumps(finite(content), indent=indent, allow_nan=False)
    write_atomically(path, lambda stream: stream.write(text.encode() + b"\n"))


def append_line(path: Path, content: Any) -> None:
    """Appends plain data as one line of JSON in a single write."""
    line = json.dumps(finite(content), allow_nan=False) + "\n"
    with path.open("ab", buffering=0) as stream:
        stream.write(line.encode())
