"""Copies of a run between a folder and a bucket; every byte is checked.

What is there already and the same is not copied again, so an interrupted copy is given once more. Nothing that differs
is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from search.storage.invocations import NAME as HISTORY
from search.storage.json_files import read_lines
from search.storage.places.base import Conflict, Place
from search.storage.places.folder import FolderPlace
from search.storage.places.layout import (
    CHECKPOINT,
    DECISIONS_FILE,
    is_intact,
    is_mirrored,
    is_passing,
    name_checkpoint,
    name_copy,
    name_decision,
)
from search.storage.places.mirror import AT_ONCE, INDEX, Mirror, fetch_all
from search.storage.places.urls import MARK
from spaces import UserError
from spaces.common.errors import make_printable
from spaces.common.wording import format_command
from spaces.files.atomic import write_atomically
from spaces.files.sealed import Damaged, read_sealed, seal, unseal
from spaces.specs.records import RECORD
from spaces.specs.run import SPEC

FOLDERS_CHECKPOINT = "checkpoint-*.safetensors"


def pull(place: Place, folder: Path) -> tuple[int, list[str]]:
    """Copies a run from a bucket to a folder, where it may be older.

    Args:
        place: the bucket.
        folder: new, empty, or of the same run.

    Returns:
        How many files the folder has now, and what is not what was written, by name.

    Raises:
        UserError: no run there, or the folder holds something else.
        Unreachable: the bucket does not answer; what was copied by then is not copied again.
    """
    if place.get(SPEC) is None:
        raise UserError(f"{place.url}: no run is there (no {SPEC})")
    mirror = Mirror(place, folder)
    _check_copy(mirror)
    mirror.refresh()
    damaged = [*mirror.damaged]
    if (folder / HISTORY).exists() and read_lines(folder / HISTORY)[1]:
        damaged.append(HISTORY)
    for name, content, _ in fetch_all(place, [name for name in mirror.checkpoints if not _is_here(folder, name)]):
        if is_intact(name, content):
            write_atomically(folder / name_copy(name), content)
        else:
            damaged.append(name)
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    kept = {*map(name_copy, mirror.checkpoints)}
    for name in names:
        if Path(name).match(f"trials/*/{FOLDERS_CHECKPOINT}") and name not in kept:
            (folder / name).unlink()  # The trial has gone on.
        elif name.endswith(".json") and is_mirrored(name) and _is_unsound(folder / name):
            damaged.append(name)
    return sum(path.is_file() and path.name not in (INDEX, MARK) for path in folder.rglob("*")), damaged


def _check_copy(mirror: Mirror) -> None:
    """Marks a new folder as a copy of that run; of an older copy, each file is what was fetched or what is there now.

    Raises:
        UserError: it is neither, or a file has changed.
    """
    place, folder, mark = mirror.place, mirror.folder, mirror.folder / MARK
    advice = "give an empty or new folder"
    if not folder.exists() or not any(folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(mark, place.url.encode())
        return
    copied = mark.read_text(errors="replace") if mark.is_file() else None
    if copied is None:
        raise UserError(f"{folder}: has files and is not a copy made by pull; {advice}")
    if copied != place.url:
        raise UserError(f"{folder}: is a copy of {make_printable(copied)}; {advice}")
    here = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    new = [name for name in here if is_mirrored(name) and mirror.find_version(name) is None]
    for name in [*mirror.list_changed(), *new]:  # An interrupted copy had not noted all that it fetched.
        there = place.get(name)
        if there is None or there[0] != (folder / name).read_bytes():
            raise UserError(f"{folder}: {name} has changed since it was pulled; {advice}")
        mirror.keep(name, *there)


def fetch_checkpoint(place: Place, mirror: Path, trial_id: str) -> None:
    """Brings the checkpoints that were kept of a trial to a mirror; of two of one epoch that which its record names."""
    trial = f"trials/{trial_id}"
    named = (read_sealed(mirror / trial / RECORD) or {}).get("checkpoint")
    names = [entry.name for entry in place.list(trial) if CHECKPOINT.fullmatch(entry.name)]
    for name, content, _ in fetch_all(place, sorted(names, key=lambda name: f".{named}." in name)):
        if is_intact(name, content):
            write_atomically(mirror / name_copy(name), content)


def push(folder: Path, place: Place) -> int:
    """Copies a run from a folder to a bucket where no other run is.

    Returns:
        How many objects were written.

    Raises:
        UserError: not a run, something in it is damaged, or another run is there.
        Unreachable: the bucket does not answer.
    """
    mine = FolderPlace(folder)
    if not (folder / SPEC).is_file():
        raise UserError(f"{folder}: is not a run folder (no {SPEC})")
    mending = format_command("invsearch", "check", folder, "--repair")
    if bad := [name for name in _list_names(mine) if name.endswith(".json") and _is_unsound(folder / name)]:
        raise UserError(f"{folder}: damaged: {', '.join(bad[:5])}; {mending} repairs what it can")
    lines, garbled = read_lines(folder / DECISIONS_FILE)
    if garbled:
        raise UserError(f"{folder / DECISIONS_FILE}: damaged; {mending} repairs what it can")
    objects: list[tuple[str, Callable[[], bytes]]]
    objects = [(name, partial(_read, mine, name)) for name in _list_names(mine)]
    for path in sorted(folder.glob(f"trials/*/{FOLDERS_CHECKPOINT}")):
        name = path.relative_to(folder).as_posix()
        objects.append((name_checkpoint(name, path.read_bytes()), partial(_read, mine, name)))
    for number, line in enumerate(lines, start=1):
        objects.append((name_decision(number), partial(seal, {**line, "number": number})))
    objects.sort(key=lambda one: one[0] == SPEC)  # Last: without it there is no run yet.
    there = _check_prefix(place, dict(objects))
    objects = [one for one in objects if one[0] not in there]

    def write(one: tuple[str, Callable[[], bytes]]) -> bool:
        name, content = one[0], one[1]()
        try:
            place.create(name, content)
        except Conflict:  # Of another push of the same, which began at the same moment.
            _check_same(place, name, content)
            return False
        back = place.get(name)
        if back is None or back[0] != content:
            raise UserError(f"{place.url}/{name}: does not come back as it was written")
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(write, objects[:-1])) + sum(map(write, objects[-1:]))


def _check_prefix(place: Place, mine: Mapping[str, Callable[[], bytes]]) -> set[str]:
    """The names that are there already, each with what would be written, before anything is.

    Raises:
        UserError: there is something else.
    """
    there = [entry.name for entry in place.list() if not is_passing(entry.name)]
    for name in there:
        if name not in mine:
            raise UserError(f"{place.url}/{make_printable(name)}: is there already, of another run; give a new prefix")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: _check_same(place, name, mine[name]()), there))
    return set(there)


def _check_same(place: Place, name: str, content: bytes) -> None:
    there = place.get(name)
    if there is None or there[0] != content:
        raise UserError(f"{place.url}/{name}: is there already and differs; give a new prefix")


def _list_names(mine: FolderPlace) -> list[str]:
    return [entry.name for entry in mine.list() if is_mirrored(entry.name)]


def _read(mine: FolderPlace, name: str) -> bytes:
    found = mine.get(name)
    if found is None:
        raise UserError(f"{mine.url}/{name}: was removed while it was copied; stop the driver of the run first")
    return found[0]


def _is_here(folder: Path, name: str) -> bool:
    """Whether a folder has that very checkpoint."""
    path = folder / name_copy(name)
    return path.is_file() and is_intact(name, path.read_bytes())


def _is_unsound(path: Path) -> bool:
    try:
        unseal(path.read_bytes())
    except (Damaged, OSError):
        return True
    return False
