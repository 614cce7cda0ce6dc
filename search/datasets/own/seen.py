"""Which of the data in the data folder a file or folder was decoded into, so that the next start need not decode it.

ROOT/own/seen/KEY.json says it of the files as they were then: their paths, sizes, times and inodes. The time of the
last change to a file (ctime) is the system's own, so an edit that keeps size and mtime is noticed, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from search.datasets.base import compute_hash
from search.datasets.own.kept import FORMAT, find_own_folder
from search.storage.json_files import write_json
from spaces.common.errors import UserError
from spaces.files.sealed import Damaged, read_sealed

SETTLED = 2.0  # Seconds after which a further change gets another time on every file system.


@dataclass(frozen=True)
class Signature:
    """What files were like.

    Attributes:
        digest: of their paths, sizes, times and inodes.
        age: of the youngest of them, in seconds; an edit may leave the digest as it is within ``SETTLED``.
    """

    digest: str
    age: float


def sign(files: Iterable[Path]) -> Signature:
    """The signature of files now.

    Raises:
        UserError: one cannot be looked at.
    """
    now, youngest, signed = time.time(), 0.0, []
    for path in files:
        try:
            found = os.stat(path)
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
        signed.append([str(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino])
        youngest = max(youngest, found.st_ctime)
    return Signature(compute_hash(signed), now - youngest)


def sign_settled(files: Iterable[Path]) -> Signature:
    """The signature of files, taken a moment later where the youngest of them has only just been made."""
    files = list(files)
    if 0 <= (age := sign(files).age) < SETTLED:
        time.sleep(SETTLED - age)
    return sign(files)


def find_seen(source: str, signature: Signature) -> str | None:
    """The hash of what these files were decoded into; None where it is not known."""
    with suppress(Damaged, OSError):
        content = read_sealed(_find_place(source)) or {}
        if content.get("signature") == signature.digest:
            return str(content["data_hash"])
    return None


def note_seen(source: str, signature: Signature, data_hash: str) -> None:
    """Keeps what files were decoded into, where their signature says enough and the data folder can be written."""
    if signature.age >= SETTLED:
        content = {"source": source, "signature": signature.digest, "data_hash": data_hash}
        with suppress(OSError):
            _find_place(source).parent.mkdir(exist_ok=True)
            write_json(_find_place(source), content, indent=2)


def _find_place(source: str) -> Path:
    return find_own_folder() / "seen" / f"{compute_hash([FORMAT, source])[:16]}.json"
