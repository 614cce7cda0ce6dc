"""The folders of this machine's workers, one each, with the trial of a run in a bucket that a worker is at."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from search.storage.file_lock import Lock

ALIVE = "alive"  # Locked while the worker lives, whose folder it is in.


def make_own_folder(token: str) -> Path:
    """A folder for one worker; those of dead ones on this machine are removed."""
    root = find_own_root()
    root.mkdir(mode=0o700, exist_ok=True)
    if root.is_symlink() or root.lstat().st_uid != os.getuid():
        raise PermissionError(f"{root} is somebody else's")
    clear_dead_folders()
    draft = root / f".{secrets.token_hex(8)}"  # No worker's folder before it is locked.
    draft.mkdir(mode=0o700)
    Lock(draft / ALIVE).acquire()  # Until this process ends.
    return draft.rename(root / f"{token}-{secrets.token_hex(4)}-{os.getpid()}")


def find_own_root() -> Path:
    """Where the workers of this machine have their folders."""
    return Path(tempfile.gettempdir()) / f"invsearch-{os.getuid()}"


def clear_dead_folders() -> None:
    """Removes the folders of workers that are no more.

    Their locks say that, rather than their process ids: containers may share a folder and number processes each anew.
    """
    root = find_own_root()
    if not root.is_dir() or root.is_symlink() or root.lstat().st_uid != os.getuid():
        return
    for folder in root.iterdir():
        alive = folder / ALIVE
        if not folder.name.startswith(".") and alive.exists() and Lock(alive).is_free():
            shutil.rmtree(folder, ignore_errors=True)
