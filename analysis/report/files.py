"""The files of a report: each replaced whole, and never through a link."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from spaces.common.errors import UserError


def folder(path: Path) -> Path:
    """Makes a folder to write to.

    Raises:
        UserError: it is a link, which may lead anywhere, or no folder.
    """
    if path.is_symlink():
        raise UserError(f"{path}: is a link; remove it or give another --out")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{path}: is not a folder; remove it or give another --out") from None
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, never a part."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(draft, "xb") as stream:
            stream.write(content)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def slug(text: str) -> str:
    """A text as part of a file's name or of an address: letters, digits, dots and hyphens."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.") or "unnamed"
