"""Files written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file, whose folder must exist, so that a reader sees the old content or the new, never a part.

    Raises:
        OSError: it could not be written; the old content is still there.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # A file of that name made by a stranger could be a link to somewhere else.
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # Or a power cut could leave the new name on an empty file.
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
