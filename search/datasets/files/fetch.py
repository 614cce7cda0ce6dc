"""Bringing files into the cache, from mirrors or from a folder: verified first, then moved in whole."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from search.datasets.files.cache import VARIABLE, DataFile, Store
from search.datasets.files.download import check_mirror, download
from search.datasets.files.verify import SLACK, UnusableFileError, find_first_good, read_content
from search.storage.file_lock import Lock
from spaces.common.errors import UserError

PARTIAL, LOCK = ".partial-", "lock"
YOUNG = 3600.0  # Seconds.


def fetch(
    store: Store,
    root: Path | None = None,
    files: Sequence[DataFile] | None = None,
    mirrors: Sequence[str] | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Path:
    """Downloads those of ``files`` that are missing; writes nothing where none is.

    Args:
        store: the data set's files.
        root: the data folder, None for the usual one.
        files: the files wanted, None for all.
        mirrors: URLs to try in order, None for the store's own.
        say: is told of each download in one line.

    Returns:
        The folder that holds the files.

    Raises:
        UserError: no mirror gave a file, or the folder cannot be written.
    """
    urls = [check_mirror(mirror) for mirror in (store.mirrors if mirrors is None else mirrors)]
    folder = store.folder(root)
    wanted = [file for file in (store.files if files is None else files) if not store.list_paths(file, root)]
    if not wanted:
        return folder
    reasons: list[str] = []
    with writing_in(folder) as scratch:
        for url in urls:
            # Every file from one mirror before the next, so that an unreachable one costs its timeout once.
            for file in tuple(wanted):
                say(f"downloading {url}{file.name}.gz")
                try:
                    download(f"{url}{file.name}.gz", scratch / "body", limit=file.size + SLACK)
                    _install(read_content(store, file, scratch / "body"), file, scratch, folder)
                    wanted.remove(file)
                except ConnectionError as error:
                    reasons.append(f"{url} {error}")
                    break
                except UnusableFileError as reason:
                    reasons.append(f"{url}{file.name}.gz {reason}")
    if wanted:
        raise UserError(
            f"{store.name}: could not download {_list_names(wanted)} ({'; '.join(reasons)}); get the files "
            f"{', '.join(f'{file.name}.gz' for file in store.files)} by hand, from {' or '.join(store.mirrors)}, "
            f"and run 'invsearch data {store.name} --from DIR' on the folder that holds them"
        )
    return folder


def import_from(store: Store, source: Path, root: Path | None = None) -> Path:
    """Copies the files in ``source``, gzipped or raw, into the cache: all of them or none.

    They replace what the cache has; a file that only the cache has stays.

    Returns:
        The folder that holds the files.

    Raises:
        UserError: ``source`` lacks a file or has an unusable one, or the cache cannot be written.
    """
    if not os.path.isdir(source):
        what = "not a folder" if os.path.lexists(source) else "no such folder"
        raise UserError(f"{source}: {what}; give the one that holds {_list_names(store.files)}")
    found, folder = store.found(source), store.folder(root)
    absent = [file for file in store.find_missing(root) if file not in found]
    if absent or not found:
        raise UserError(
            f"{source} lacks {_list_names(absent or store.files)}; put {_list_names(store.files)} there, raw or as .gz"
        )
    with writing_in(folder) as scratch:
        for file in found:
            (scratch / file.name).write_bytes(_read(store, file, source))
        for file in found:
            os.replace(scratch / file.name, folder / file.name)
    return folder


def _read(store: Store, file: DataFile, source: Path) -> bytes:
    found = find_first_good(store, file, source)
    if found is None:
        raise UserError(f"{source} lacks {file.name}")  # It went meanwhile.
    path, content = found
    if isinstance(content, UnusableFileError):
        raise UserError(f"{path} {content}; nothing was imported, replace that file and try again")
    return content


def _install(content: bytes, file: DataFile, scratch: Path, folder: Path) -> None:
    (scratch / file.name).write_bytes(content)
    os.replace(scratch / file.name, folder / file.name)


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
            young = time.time() - partial.lstat().st_mtime < YOUNG  # It may be about to be locked.
            if Lock(partial / LOCK).is_free() and not (young and not (partial / LOCK).exists()):
                shutil.rmtree(partial, ignore_errors=True)


def _list_names(files: Sequence[DataFile]) -> str:
    return ", ".join(file.name for file in files)
