"""A data set that is published as one archive: how it gets into the cache, and what is read out of it.

What is kept is the archive itself, verified against its published MD5 each time it is opened. Nothing is extracted to
disk: the members that are wanted are read by their exact names, up to their exact or greatest sizes. Where the members'
own hashes are published too, they may also lie there unpacked, or packed in another way.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from search.datasets.files.cache import find_cache_root
from search.datasets.files.download import check_mirror, download
from search.datasets.files.fetch import writing_in
from search.datasets.files.tar import HEADERS, OtherMembersError, read_tar_members
from search.datasets.files.verify import UnusableFileError, reading
from spaces.common.errors import UserError
from spaces.files.regular import open_regular


@dataclass(frozen=True)
class Member:
    """A file of an archive: its size in bytes and its published SHA-1."""

    size: int
    sha1: str


@dataclass(frozen=True)
class Archive:
    """A published archive.

    Attributes:
        name: of the data set and of its folder below the cache root.
        file: the archive's usual name.
        md5: its published MD5.
        limit: bytes that it does not reach.
        mirrors: URLs of folders that hold it, in the order to try.
        members: its large files by name, all in one folder, where their hashes are published; else empty.
        others: what else it is taken for, by the MD5 of an archive or the name of the folder that it unpacks to.
    """

    name: str
    file: str
    md5: str
    limit: int
    mirrors: tuple[str, ...]
    members: Mapping[str, Member] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def unpacked(self) -> str:
        """The folder that it unpacks to; nothing where unpacked files cannot be verified."""
        return next((PurePosixPath(name).parts[0] for name in self.members), "")

    @property
    def sizes(self) -> dict[str, int]:
        """Of the members."""
        return {name: member.size for name, member in self.members.items()}

    def list_forms(self, folder: Path) -> list[Path]:
        """The forms in which it lies in ``folder``, unverified, the published one first."""
        packed = [self.file, self.file.removesuffix(".gz")] if self.members else [self.file]
        found = [folder / name for name in dict.fromkeys(packed) if os.path.isfile(folder / name)]
        files = [PurePosixPath(name).name for name in self.members]
        for place, enough in ((folder / self.unpacked, any), (folder, all)):  # Any file named train.bin is not enough.
            if files and enough(os.path.isfile(place / name) for name in files):
                found.append(place)
        return found

    def found(self, root: Path | None = None) -> list[Path]:
        """The forms in which it lies in ROOT/NAME and in ROOT itself, unverified."""
        top = find_cache_root(root)
        return self.list_forms(top / self.name) + self.list_forms(top)

    def path(self, root: Path | None = None) -> Path:
        """Where the first of its forms lies, or the archive will: in ROOT/NAME."""
        return next(iter(self.found(root)), find_cache_root(root) / self.name / self.file)

    @contextmanager
    def opened(self, path: Path) -> Iterator[BinaryIO]:
        """The published archive at ``path``, verified and open at its beginning: what is read is what was verified.

        Raises:
            UnusableFileError: unreadable, or not the published one.
        """
        with _open(path, self.limit) as file:
            if reason := self._explain_difference(file):
                raise reason
            yield file

    def _explain_difference(self, file: BinaryIO) -> UnusableFileError | None:
        """Why an open file is not the published archive."""
        with reading("a file"):
            found = hashlib.file_digest(file, "md5").hexdigest()  # pyright: ignore[reportArgumentType]
            file.seek(0)
        if found == self.md5:
            return None
        if found in self.others:
            return UnusableFileError(f"is {self.others[found]}, not {self.file}")
        return UnusableFileError(
            f"is truncated, damaged or not {self.file}: its MD5 is {found}, that of the published one {self.md5}"
        )

    def other(self, names: Iterable[str]) -> str | None:
        """What else somebody has in whose archive or folder these names are."""
        return next((self.others[name] for name in names if name in self.others and name != self.unpacked), None)

    def list_contents(self, path: Path, sizes: Mapping[str, int], wanted: Sequence[str]) -> dict[str, bytes]:
        """The verified contents of members, from any of the archive's forms.

        Args:
            path: what ``found`` gave, or a file of any name.
            sizes: of all large members.
            wanted: those to read.

        Raises:
            UnusableFileError: unreadable, or not what was published.
        """
        if os.path.isdir(path):
            found = {name: _content(path / PurePosixPath(name).name, sizes[name]) for name in wanted}
        else:
            with _open(path, max(self.limit, sum(sizes.values()) + HEADERS) if self.members else self.limit) as file:
                reason = self._explain_difference(file)
                if reason and not self.members:
                    raise reason
                try:
                    found = read_tar_members(file, sizes, wanted)
                except OtherMembersError as error:
                    other = self.other(PurePosixPath(error.first).parts[:1])
                    raise (UnusableFileError(f"is {other}, not {self.file}") if other else error) from None
                except UnusableFileError as error:
                    raise reason or error from None
            if not reason:
                return found
        for name, content in found.items():
            if hashlib.sha1(content, usedforsecurity=False).hexdigest() != self.members[name].sha1:
                raise UnusableFileError(f"is not as it was published: {name} is damaged, its SHA-1 is another one")
        return found

    def check(self, path: Path) -> None:
        """Verifies one of the archive's forms as a whole.

        Raises:
            UnusableFileError: unreadable, or not what was published.
        """
        if self.members:
            self.list_contents(path, self.sizes, list(self.members))
        else:
            with self.opened(path):
                pass

    def explain_refusal(self, path: Path, reason: UnusableFileError) -> UserError:
        """What to say of a file in the cache."""
        return UserError(f"{path} {reason}; {reason.give_advice(f'invsearch data {self.name}', 'FILE')}")

    @contextmanager
    def cached(self, root: Path | None = None) -> Iterator[BinaryIO]:
        """The published archive in the cache, verified and open; downloaded if it is missing.

        Raises:
            UserError: it cannot be had or is not the published one, and what to do.
        """
        path = obtain(self, root)
        try:
            with self.opened(path) as file:
                yield file
        except UnusableFileError as reason:
            raise self.explain_refusal(path, reason) from None


@contextmanager
def _open(path: Path, limit: int) -> Iterator[BinaryIO]:
    """A file that must be smaller than ``limit``; only opening it is tried, not what is done with it."""
    with ExitStack() as stack:
        with reading("a file"):
            file = stack.enter_context(open_regular(path))
        if os.fstat(file.fileno()).st_size >= limit:
            raise UnusableFileError("is far larger than it should be")
        yield file


def _content(path: Path, size: int) -> bytes:
    """An unpacked file, whose size may be right."""
    try:
        with _open(path, size + 1) as file, reading("a file"):
            return file.read()
    except UnusableFileError as error:
        raise type(error)(f"is not as it was published: {path.name} {error}") from None


def read_cached_members(
    archive: Archive, sizes: Mapping[str, int], wanted: Sequence[str], root: Path | None = None
) -> tuple[Path, dict[str, bytes]]:
    """Members of an archive in the cache, from the first of its forms that is good; downloaded if there is none.

    Args:
        archive: which.
        sizes: of all its large members.
        wanted: those to read.
        root: the data folder, None for the usual one.

    Returns:
        Where they were found, and their contents.

    Raises:
        UserError: it cannot be had or is not what was published, and what to do.
    """
    wrong: list[tuple[Path, UnusableFileError]] = []
    for path in archive.found(root) or [obtain(archive, root)]:
        try:
            return path, archive.list_contents(path, sizes, wanted)
        except UnusableFileError as reason:
            wrong.append((path, reason))
    raise archive.explain_refusal(*wrong[0])


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
    urls = [check_mirror(mirror) for mirror in (archive.mirrors if mirrors is None else mirrors)]
    path = archive.path(root)
    if archive.found(root):
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
    """Copies the archive into the cache, before what is there.

    Args:
        archive: which.
        source: the archive, under any name, or a folder that holds it; also its files where they can be verified.
        root: the data folder, None for the usual one.

    Returns:
        What is new in the cache: the archive, or the folder of its files.

    Raises:
        UserError: ``source`` is not what was published nor a folder that has it, or the cache cannot be written.
    """
    folder = os.path.isdir(source)
    if not folder and not os.path.isfile(source):
        what = "not a regular file" if os.path.lexists(source) else "no such file"
        raise UserError(f"{source}: {what}; give {archive.file}, or the folder that holds it")
    forms = archive.list_forms(source / archive.name) + archive.list_forms(source) if folder else [source]
    if not forms:
        inside = [source.name, *(entry.name for entry in source.iterdir())]
        other = archive.other(inside)
        raise UserError(
            f"{source} lacks the file {archive.file}{f' (what it has is {other})' if other else ''}; put the archive "
            "there as it was published"
            + (
                f", or its folder {archive.unpacked}"
                if archive.members
                else ": unpacked files have no published hashes"
            )
            + "; files of your own in CIFAR-10's binary layout can be a data set of another name: invsearch data "
            "folder-NAME --from PATH"
        )
    wrong: list[UserError] = []
    for form in forms:
        try:
            return _copy_members(archive, form, find_cache_root(root) / archive.name)
        except UnusableFileError as reason:
            wrong.append(UserError(f"{form} {reason}; nothing was imported, get it again and try again"))
    raise wrong[0]


def _copy_members(archive: Archive, source: Path, folder: Path) -> Path:
    with writing_in(folder) as scratch:
        if not archive.members or not os.path.isdir(source):
            try:
                with archive.opened(source) as file, (scratch / "body").open("wb") as copy:
                    shutil.copyfileobj(file, copy, 2**20)
                _install(archive, scratch / "body", folder / archive.file)
                return folder / archive.file
            except UnusableFileError:
                if not archive.members:
                    raise
        contents = archive.list_contents(source, archive.sizes, list(archive.members))
        for name, content in contents.items():
            (scratch / PurePosixPath(name).name).write_bytes(content)
        (folder / archive.unpacked).mkdir(exist_ok=True)
        for name in map(PurePosixPath, contents):
            os.replace(scratch / name.name, folder / archive.unpacked / name.name)
        return folder / archive.unpacked


def _install(archive: Archive, body: Path, path: Path) -> None:
    with archive.opened(body):
        os.replace(body, path)
