"""Where a folder is exported to: a new place, filled whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from spaces import UserError
from spaces.files.atomic import write_atomically


def refuse(out: Path, run: Path, option: str = "export") -> None:
    """Raises ``UserError`` where the folder is not empty, is not a folder, or lies in the run folder."""
    if out.resolve().is_relative_to(run.resolve()):
        raise UserError(f"{option}: {out} lies in the run folder, which export never touches; give a folder elsewhere")
    refuse_filled(out, option)


def refuse_filled(out: Path, option: str) -> None:
    """Raises ``UserError`` where the folder is not empty, or is not a folder."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{option}: {out} is not a folder; give a new or empty one")
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"{option}: {out} is not empty; give a new or empty folder")


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Writes files to the folder ``out``, which must not exist or be empty, under a temporary name; then renames it.

    Raises:
        OSError: it cannot be written, or somebody filled it meanwhile.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    draft.mkdir()
    try:
        for name, content in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(draft / name, content)
        os.rename(draft, out)  # Takes the place of an empty folder, never of another one.
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
