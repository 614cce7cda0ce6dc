"""Where the mirrors of runs in buckets lie on this machine, and what reads a run by its URL."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import platformdirs

from search import streams
from search.errors import explain_error
from search.storage.file_lock import Lock
from search.storage.json_files import append_line, replace_not_finite
from search.storage.places.base import Conflict, Unreachable
from spaces import UserError
from spaces.files.atomic import write_atomically
from spaces.files.sealed import seal

VARIABLE = "INVSEARCH_MIRRORS"
MARK = ".bucket"
WAIT_SECONDS = 120.0


def find_root() -> Path:
    """The folder of all mirrors: INVSEARCH_MIRRORS, else below the user's cache."""
    named = os.environ.get(VARIABLE)
    return (Path(named) if named else Path(platformdirs.user_cache_dir("invsearch")) / "buckets").resolve()


def find_mirror(url: str, kind: Literal["driver", "reader"]) -> Path:
    """The folder of a mirror, named like the run; the drivers of a machine have one that readers leave alone.

    Raises:
        UserError: it cannot be made.
    """
    scheme, rest = url.split("://")
    parts = rest.split("/")
    whose = f"driver-{socket.gethostname()}" if kind == "driver" else kind  # The cache may be on a shared disk.
    found = find_root() / f"{scheme}-{parts[0]}-{hashlib.sha256(url.encode()).hexdigest()[:8]}" / whose / parts[-1]
    try:
        found.mkdir(parents=True, exist_ok=True)
        if _read_mark(found) != url:
            write_atomically(found.parent / MARK, url.encode())
    except OSError as error:
        raise UserError(
            f"{found}: cannot be written ({error.strerror}), and a run in a bucket needs a folder on this machine; "
            f"name one with {VARIABLE}"
        ) from None
    streams.RENAMED[str(found)] = url
    return found


def find_url(path: Path) -> str | None:
    """The URL of a mirror; None of any other folder, whatever lies beside it."""
    try:
        path = path.resolve()  # As the root is, whichever link led there.
        return _read_mark(path) if path.is_relative_to(find_root()) else None
    except (OSError, RuntimeError):  # Links in a circle.
        return None


def _read_mark(path: Path) -> str | None:
    try:
        return (path.parent / MARK).read_text()
    except (OSError, ValueError):
        return None


def open_mirror(url: str) -> Path:
    """The reader's mirror of a run, up to date.

    Raises:
        UserError: the bucket cannot be reached, or the mirror not written.
    """
    from search.storage.places.address import parse_url

    path = find_mirror(parse_url(url), "reader")
    refresh(path, first=True)
    return path


def refresh(path: Path, first: bool = False) -> None:
    """Brings the reader's mirror up to date; nothing happens to any other folder.

    Args:
        path: the folder.
        first: wait only shortly for a store that does not answer.

    Raises:
        UserError: the bucket cannot be reached, or the mirror not written.
    """
    url = find_url(path)
    if url is None or path.parent.name != "reader":
        return
    from search.storage.places.address import open_place
    from search.storage.places.mirror import Mirror

    place = open_place(url, read_first_patience() if first else None)
    lock = Lock(path.parent / "lock")
    try:
        if not lock.acquire(WAIT_SECONDS):
            raise UserError(f"{path}: another process has been bringing it up to date for {WAIT_SECONDS:g} seconds")
        Mirror(place, path).refresh()
    except Unreachable as error:
        raise UserError(explain_error(error)) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); name another place with {VARIABLE}") from None
    finally:
        lock.release()


def read_first_patience() -> float:
    """Seconds for which a command that somebody waits for asks a store that does not answer."""
    from search.storage.places.address import PATIENCE, read_seconds

    return min(20.0, read_seconds(PATIENCE, 20.0))


def fetch_checkpoint(path: Path, trial_id: str) -> None:
    """Brings the checkpoint of a trial to the reader's mirror, if it was kept; nothing happens to any other folder.

    Raises:
        UserError: the bucket cannot be reached.
    """
    if (url := find_url(path)) is None:
        return
    from search.storage.places import copies
    from search.storage.places.address import open_place

    try:
        copies.fetch_checkpoint(open_place(url), path, trial_id)
    except Unreachable as error:
        raise UserError(explain_error(error)) from None


def append(path: Path, name: str, line: Mapping[str, Any]) -> None:
    """Adds a line to a log of a run that anybody may write to; where that is in a bucket, there and in the mirror.

    Raises:
        UserError: the bucket cannot be reached, or does not let this user write.
    """
    if (url := find_url(path)) is None:
        append_line(path / name, line)
        return
    from search.storage.places.address import open_place

    place, content = open_place(url, read_first_patience()), seal(replace_not_finite(line))
    try:
        while True:
            found = place.get(name)
            with suppress(Conflict):  # Somebody else has added one.
                if found is None:
                    place.create(name, content)
                else:
                    place.swap(name, found[0] + content, found[1])
                break
    except Unreachable as error:
        raise UserError(explain_error(error)) from None
    refresh(path)
