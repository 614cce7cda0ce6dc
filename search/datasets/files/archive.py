"""A data set that is published as one archive: how it gets into the cache, and what is read out of it.

What is kept is the archive itself, verified against its published MD5 each time it is opened. Nothing is extracted to
disk: the members that are wanted are read by their exact names, up to their exact or greatest sizes. Where the members'
own hashes are published too, they may also lie there unpacked, or packed in another way.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from search.datasets.files.cache import find_cache_root, writing_in
from search.datasets.files.download import Download, Say, download_all
from search.datasets.files.tar import HEADERS, OtherMembersError, read_tar_members
from search.datasets.files.verify import UnusableFileError, open_limited, read_good, reading
from spaces.common.errors import UserError


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
        limit: bytes that it does not exceed.
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

    def find_forms(self, root: Path | None = None) -> list[Path]:
        """The forms in which it lies in ROOT/NAME and in ROOT itself, unverified, the published one first in each."""
        top, found = find_cache_root(root), []
        packed = dict.fromkeys([self.file, self.file.removesuffix(".gz")] if self.members else [self.file])
        files = [PurePosixPath(name).name for name in self.members]
        for folder in (top / self.name, top):
            found += [folder / name for name in packed if os.path.isfile(folder / name)]
            for place, enough in ((folder / self.unpacked, any), (folder, all)):  # One file train.bin is not enough.
                if files and enough(os.path.isfile(place / name) for name in files):
                    found.append(place)
        return found

    def find_path(self, root: Path | None = None) -> Path:
        """Where the first of its forms lies, or the archive will: in ROOT/NAME."""
        return next(iter(self.find_forms(root)), find_cache_root(root) / self.name / self.file)

    def find_folder(self, root: Path | None = None) -> Path:
        """The folder that ``find_path`` is in."""
        return self.find_path(root).parent

    def find_missing(self, root: Path | None = None) -> list[str]:
        """The archive's name if it is not there in any form."""
        return [] if self.find_forms(root) else [self.file]

    @contextmanager
    def _opened(self, path: Path) -> Iterator[BinaryIO]:
        """The published archive at ``path``, verified and open at its beginning: what is read is what was verified."""
        with open_limited(path, self.limit) as file:
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

    def _find_other(self, names: Iterable[str]) -> str | None:
        """What else somebody has in whose archive or folder these names are."""
        return next((self.others[name] for name in names if name in self.others and name != self.unpacked), None)

    def read_members(self, path: Path, wanted: Sequence[str] | None = None) -> dict[str, bytes]:
        """The verified contents of the members ``wanted``, by default all, from any of the archive's forms.

        An archive without members is verified all the same. ``UnusableFileError``: it is not what was published.
        """
        if not self.members:
            with self._opened(path):
                return {}
        sizes = {name: member.size for name, member in self.members.items()}
        wanted = list(sizes) if wanted is None else wanted
        found: dict[str, bytes] = {}
        if os.path.isdir(path):
            for name in wanted:
                part = path / PurePosixPath(name).name
                try:
                    with open_limited(part, sizes[name]) as file, reading("a file"):
                        found[name] = file.read()
                except UnusableFileError as error:
                    raise type(error)(f"is not as it was published: {part.name} {error}") from None
        else:
            with open_limited(path, max(self.limit, sum(sizes.values()) + HEADERS)) as file:
                reason = self._explain_difference(file)
                try:
                    found = read_tar_members(file, sizes, wanted)
                except OtherMembersError as error:
                    other = self._find_other(PurePosixPath(error.first).parts[:1])
                    raise (UnusableFileError(f"is {other}, not {self.file}") if other else error) from None
                except UnusableFileError as error:
                    raise reason or error from None
            if not reason:
                return found
        for name, content in found.items():
            if hashlib.sha1(content, usedforsecurity=False).hexdigest() != self.members[name].sha1:
                raise UnusableFileError(f"is not as it was published: {name} is damaged, its SHA-1 is another one")
        return found

    def read_cached(
        self, root: Path | None = None, wanted: Sequence[str] | None = None
    ) -> tuple[Path, dict[str, bytes]]:
        """Where the first good one of its forms in the cache lies, and its members as ``read_members`` gives them.

        Raises:
            UserError: it cannot be had or is not what was published, and what to do.
        """
        self.fetch(root)
        forms = self.find_forms(root) or [self.find_path(root)]
        return read_good(forms, lambda path: (path, self.read_members(path, wanted)), self.name, "FILE")

    def check(self, root: Path | None = None) -> Path:
        """Verifies what is in the cache and returns its folder; UserError as of ``read_cached``."""
        return self.read_cached(root)[0].parent

    @contextmanager
    def cached(self, root: Path | None = None) -> Iterator[BinaryIO]:
        """The published archive in the cache, verified and open; downloaded if it is missing.

        Raises:
            UserError: it cannot be had or is not the published one, and what to do.
        """
        self.fetch(root)
        path = self.find_path(root)
        try:
            with self._opened(path) as file:
                yield file
        except UnusableFileError as reason:
            raise reason.explain(path, self.name, "FILE") from None

    def fetch(
        self, root: Path | None = None, mirrors: Sequence[str] | None = None, say: Say = lambda line: None
    ) -> Path:
        """Downloads the archive if it is missing, as ``Store.fetch`` does; returns its folder.

        Raises:
            UserError: no mirror gave it, or the folder cannot be written.
        """
        path = self.find_path(root)
        download_all(
            self.name,
            [Download(name, self.limit, partial(self._install, path)) for name in self.find_missing(root)],
            path.parent,
            mirrors or self.mirrors,
            say,
            f"get it by hand, from {' or '.join(url + self.file for url in self.mirrors)}, and run 'invsearch data "
            f"{self.name} --from FILE' on it",
        )
        return path.parent

    def _install(self, path: Path, body: Path) -> None:
        with self._opened(body):
            os.replace(body, path)

    def import_from(self, source: Path, root: Path | None = None) -> Path:
        """Copies the archive into the cache, before what is there; returns its folder.

        Args:
            source: the archive, under any name, or a folder that holds it; also its files where they can be verified.
            root: the data folder, None for the usual one.

        Raises:
            UserError: ``source`` is not what was published nor a folder that has it, or the cache cannot be written.
        """
        if not os.path.isdir(source) and not os.path.isfile(source):
            what = "not a regular file" if os.path.lexists(source) else "no such file"
            raise UserError(f"{source}: {what}; give {self.file}, or the folder that holds it")
        forms = self.find_forms(source) if os.path.isdir(source) else [source]
        if not forms:
            other = self._find_other([source.name, *os.listdir(source)])
            raise UserError(
                f"{source} lacks the file {self.file}{f' (what it has is {other})' if other else ''}; put the archive "
                "there as it was published"
                + (f", or its folder {self.unpacked}" if self.members else ": unpacked files have no published hashes")
                + "; files of your own in CIFAR-10's binary layout can be a data set of another name: invsearch data "
                "folder-NAME --from PATH"
            )
        folder = find_cache_root(root) / self.name
        read_good(forms, partial(self._copy, folder))
        return folder

    def _copy(self, folder: Path, form: Path) -> None:
        with writing_in(folder) as scratch:
            if not os.path.isdir(form):
                try:
                    with self._opened(form) as file, (scratch / "body").open("wb") as copy:
                        shutil.copyfileobj(file, copy, 2**20)
                    self._install(folder / self.file, scratch / "body")
                    return
                except UnusableFileError:
                    if not self.members:
                        raise
            contents = {PurePosixPath(name).name: content for name, content in self.read_members(form).items()}
            for name, content in contents.items():
                (scratch / name).write_bytes(content)
            (folder / self.unpacked).mkdir(exist_ok=True)
            for name in contents:
                os.replace(scratch / name, folder / self.unpacked / name)
