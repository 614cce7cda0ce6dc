"""The files of a layer or network of the user's own, as bytes: what is hashed, kept in the run and sent to workers."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spaces.files.regular import open_regular

MAX_BYTES = 2**22
"""Of all files together; code is small."""


@dataclass(frozen=True)
class Sources:
    """A file, and the modules beside and below it that it imports.

    Attributes:
        main: the file's own name.
        files: path relative to the file's folder, with slashes -> content.
    """

    main: str
    files: Mapping[str, bytes]

    @classmethod
    def read(cls, folder: Path, main: str) -> Sources:
        """The Python files in and below a folder where they were kept; other files do not count.

        Raises:
            OSError: one cannot be read, is not a regular file, or they are too large.
        """
        files: dict[str, bytes] = {}
        for path in sorted(folder.rglob("*.py")):
            with open_regular(path, links=False) as stream:
                files[path.relative_to(folder).as_posix()] = stream.read(MAX_BYTES + 1)
            if sum(map(len, files.values())) > MAX_BYTES:
                raise OSError(errno.EFBIG, f"with those beside it, larger than {MAX_BYTES} bytes", str(path))
        return cls(main, files)

    def compute_digest(self, name: str) -> str:
        """The SHA-256 over the name of the class or function, and path and content of each file, the main one first."""
        found = hashlib.sha256(name.encode())
        for path in sorted(self.files, key=lambda path: (path != self.main, path)):
            found.update(f"\0{path}\0{len(self.files[path])}\0".encode() + self.files[path])
        return found.hexdigest()

    def list_folders(self) -> set[str]:
        """Every folder that holds a file, with slashes."""
        return {parent.as_posix() for path in self.files for parent in Path(path).parents} - {"."}
