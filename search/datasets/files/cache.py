"""The data folder: where it is, and how something is put into it whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from search.storage.file_lock import Lock
from spaces.common.errors import UserError, quote

VARIABLE = "INVSEARCH_DATA"
PARTIAL, LOCK = ".partial-", "lock"


def find_cache_root(root: Path | None = None) -> Path:
    """The absolute data folder: ``root``, else $INVSEARCH_DATA, else the user's cache folder.

    Raises:
        UserError: it begins with the home folder of an unknown user.
    """
    named = os.environ.get(VARIABLE) or platformdirs.user_cache_dir("invsearch")
    try:
        chosen = root or (Path(named).expanduser() if named.startswith("~") else Path(named))  # ./~x is no home.
    except RuntimeError:
        home = Path(named).parts[0]
        raise UserError(f"{VARIABLE}: {quote(named)}: no home folder {home} is known here; give a full path") from None
    return chosen.absolute()  # Ray workers change directory.


@contextmanager
def writing_in(folder: Path) -> Iterator[Path]:
    """A temporary folder within ``folder``, so that a move out of it never crosses file systems.

    It is locked while it is in use: what a killed process left is removed by the next one.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder)
        with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder) as name:
            lock = Lock(Path(name) / LOCK)
            lock.acquire()
            try:
                yield Path(name)
            finally:
                lock.release()
    except OSError as error:
        closed = os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK)
        what, also = ("looked into", ", or have its owner open it") if closed else ("written", "")
        raise UserError(
            f"{folder}: cannot be {what} ({error.strerror or error}); set {VARIABLE} to a folder that can{also}"
        ) from None
    finally:
        if made:
            with suppress(OSError):  # Something came into it.
                folder.rmdir()


def remove_abandoned(folder: Path) -> None:
    """Removes what killed downloads and imports left in a folder, as far as we may."""
    for partial in folder.glob(f"{PARTIAL}*"):
        with suppress(OSError):
            old = time.time() - partial.lstat().st_mtime > 3600  # A younger one may be about to be locked.
            if Lock(partial / LOCK).is_free() and (old or (partial / LOCK).exists()):
                shutil.rmtree(partial, ignore_errors=True)
