"""The files of a report, which are never written through a link."""

from __future__ import annotations

import re
from pathlib import Path

from spaces.common.errors import UserError


def make_folder(path: Path) -> Path:
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


def make_slug(text: str) -> str:
    """A text as part of a file's name or of an address: letters, digits, dots and hyphens."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.") or "unnamed"
