"""A data set that is published as one archive: how it gets into the cache, and what is read out of it.

The archive itself is what is kept, verified against its published MD5 each time it is opened. Nothing is extracted to
disk: the members that are wanted are read by their exact names, up to their exact or greatest sizes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from search.datasets.cache import cache_root
from search.datasets.download import checked_mirror, download
from search.datasets.fetch import writing_in
from search.datasets.verify import UnusableFileError
from spaces.errors import UserError
from spaces.regular import open_regular

HEADERS = 2**20  # Bytes that folders, other small members and padding may add to a tar file.


@dataclass(frozen=True)
class Archive:
    """A published archive.

    Attributes:
        name: of the data set and of its folder below the cache root.
        file: the archive's usual name.
        md5: its published MD5.
        limit: bytes that it does not reach.
        mirrors: URLs of folders that hold it, in the order to try.
    """

    name: str
    file: str
    md5: str
    limit: int
    mirrors: tuple[str, ...]

    def folder(self, root: Path | None = None) -> Path:
        """The folder that holds the archive, or will: ROOT/NAME, or ROOT itself if only that has it."""
        top = cache_root(root)
        return (
            top
            if os.path.isfile(top / self.file) and not os.path.isfile(top / self.name / self.file)
            else (top / self.name)
        )

    def path(self, root: Path | None = None) -> Path:
        """Where the archive lies, or will."""
        return self.folder(root) / self.file

    def there(self, root: Path | None = None) -> bool:
        """Whether there is such a file, unverified."""
        return os.path.isfile(self.path(root))

    @contextmanager
    def opened(self, path: Path) -> Iterator[BinaryIO]:
        """The archive at ``path``, verified and open at its beginning: what is read is what was verified.

        Raises:
            UnusableFileError: unreadable, or not the published one.
        """
        with ExitStack() as stack:
            try:  # Not around the yield: what goes wrong there is not this file's fault.
                file = stack.enter_context(open_regular(path))
                self._verify(file)
            except OSError as error:
                raise UnusableFileError(f"cannot be read ({error.strerror or error})") from None
            yield file

    def _verify(self, file: BinaryIO) -> None:
        if os.fstat(file.fileno()).st_size >= self.limit:
            raise UnusableFileError("is far larger than it should be")
        digest = hashlib.md5(usedforsecurity=False)
        while chunk := file.read(2**20):
            digest.update(chunk)
        if (found := digest.hexdigest()) != self.md5:
            raise UnusableFileError(
                f"is truncated, damaged or not {self.file}: its MD5 is {found}, that of the published one {self.md5}"
            )
        file.seek(0)

    @contextmanager
    def cached(self, root: Path | None = None) -> Iterator[BinaryIO]:
        """The archive in the cache, verified and open; downloaded if it is missing.

        Raises:
            UserError: it cannot be had or is not the published one, and what to do.
        """
        path = obtain(self, root)
        try:
            with self.opened(path) as file:
                yield file
        except UnusableFileError as reason:
            raise UserError(
                f"{path} {reason}; delete it and run 'invsearch data {self.name}', or bring in a good one with "
                f"'invsearch data {self.name} --from FILE'"
            ) from None


def obtain(
    archive: Archive,
    root: Path | None = None,
    mirrors: Sequence[str] | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Path:
    """Downloads the archive if it is missing; writes nothing where it is there.

    Args:
        archive: which.
        root: the data folder, None for the usual one.
        mirrors: URLs to try in order, None for the archive's own.
        say: is told of each download in one line.

    Returns:
        The archive's path.

    Raises:
        UserError: no mirror gave it, or the folder cannot be written.
    """
    urls = [checked_mirror(mirror) for mirror in (archive.mirrors if mirrors is None else mirrors)]
    path = archive.path(root)
    if archive.there(root):
        return path
    reasons: list[str] = []
    with writing_in(path.parent) as scratch:
        for url in urls:
            say(f"downloading {url}{archive.file}")
            try:
                download(f"{url}{archive.file}", scratch / "body", limit=archive.limit)
                _install(archive, scratch / "body", path)
                return path
            except ConnectionError as error:
                reasons.append(f"{url} {error}")
            except UnusableFileError as reason:
                reasons.append(f"{url}{archive.file} {reason}")
    raise UserError(
        f"{archive.name}: could not download {archive.file} ({'; '.join(reasons)}); get it by hand, from "
        f"{' or '.join(url + archive.file for url in archive.mirrors)}, and run "
        f"'invsearch data {archive.name} --from FILE' on it"
    )


def import_archive(archive: Archive, source: Path, root: Path | None = None) -> Path:
    """Copies the archive into the cache, replacing the one that is there.

    Args:
        archive: which.
        source: the archive, under any name, or a folder that holds it under its usual one.
        root: the data folder, None for the usual one.

    Returns:
        The archive's path in the cache.

    Raises:
        UserError: ``source`` is not the published archive nor a folder that has it, or the cache cannot be written.
    """
    source = source.expanduser()
    if os.path.isdir(source):
        inside = [source / archive.file, source / archive.name / archive.file]
        found = next((path for path in inside if os.path.isfile(path)), None)
        if found is None:
            raise UserError(
                f"{source} lacks the file {archive.file}; put the archive there as it was published, since unpacked "
                "files have no published hashes (those in CIFAR-10's binary layout can be a data set of their own: "
                "invsearch data folder-NAME --from PATH)"
            )
        source = found
    if not os.path.isfile(source):
        raise UserError(f"{source}: no such file; give {archive.file}, or the folder that holds it")
    path = archive.path(root)
    with writing_in(path.parent) as scratch:
        try:
            with archive.opened(source) as file, (scratch / "body").open("wb") as copy:
                shutil.copyfileobj(file, copy, 2**20)
            _install(archive, scratch / "body", path)
        except UnusableFileError as reason:
            raise UserError(f"{source} {reason}; nothing was imported, get it again and try again") from None
    return path


def _install(archive: Archive, body: Path, path: Path) -> None:
    with archive.opened(body):
        os.replace(body, path)


def tar_members(file: BinaryIO, sizes: Mapping[str, int], wanted: Sequence[str], where: str) -> dict[str, bytes]:
    """Reads members of a gzipped tar file; nothing is written to disk.

    Args:
        file: the archive, at its beginning.
        sizes: names of all large members, and their exact sizes.
        wanted: those to read; the others are passed over.
        where: the archive, for error messages.

    Returns:
        The contents of the wanted members by name.

    Raises:
        UserError: a member is missing, there twice, no plain file or of another size, or the archive is damaged or
            holds more than it should.
    """
    limit = sum(sizes.values()) + HEADERS
    found: dict[str, bytes] = {}
    try:
        with gzip.open(file) as stream, tarfile.open(fileobj=_Bounded(stream, limit), mode="r|") as tar:
            for member in tar:
                if member.name not in wanted:
                    continue
                if member.name in found or not member.isreg() or member.size != sizes[member.name]:
                    raise UserError(
                        f"{where}: {member.name} is there twice, is no plain file or has not {sizes[member.name]} bytes"
                    )
                content = tar.extractfile(member)
                found[member.name] = content.read(sizes[member.name]) if content else b""
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, _TooMuchError) as error:
        raise UserError(f"{where}: not the tar file it should be ({' '.join(str(error).split())[:100]})") from None
    missing = [name for name in wanted if len(found.get(name, b"")) != sizes[name]]
    if missing:
        raise UserError(f"{where}: lacks {', '.join(missing)}")
    return found


class _TooMuchError(Exception):
    """An archive unpacks to more than it should."""


class _Bounded(io.RawIOBase):
    """What tarfile reads from, up to ``limit`` bytes."""

    def __init__(self, stream: gzip.GzipFile, limit: int) -> None:
        self.stream, self.left = stream, limit

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes."""
        chunk = self.stream.read(size)
        self.left -= len(chunk)
        if self.left < 0:
            raise _TooMuchError("it unpacks to far more than it should")
        return chunk
