"""RUN/sources/NAME/: the files of the user's own architectures, as they were when the run began with them.

Only what trains or exports imports them. They carry no checksum but the digest in their folder's name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from models.own import REGISTERED, Reference, Sources, check_same, register
from search.storage.json_files import set_aside
from spaces import UserError
from spaces.common.wording import format_command
from spaces.files.atomic import write_atomically
from spaces.files.sealed import Damaged
from spaces.specs.own import Own
from spaces.specs.run import SPEC, RunSpec, read_spec

FOLDER = "sources"


def read_kept(run: Path, name: str, own: Own) -> Sources:
    """The kept files of an architecture.

    Raises:
        Damaged: they are not those that were kept.
    """
    reference, folder = Reference.parse(own.reference), run / FOLDER / name
    try:
        found = Sources.read(folder, reference.main)
    except OSError as error:
        raise Damaged(f"{error.filename}: {error.strerror}") from None
    if reference.main not in found.files:
        raise Damaged(f"{reference.main} is missing")
    if found.compute_digest(reference.name) != own.digest:
        raise Damaged("its files are not those that were kept")
    return found


def load_kept(run: Path, own: Mapping[str, Own] | None) -> None:
    """Makes the run's own architectures known in this process, from the kept files, those that are not known yet.

    Raises:
        UserError: some are lost, cannot be imported, or are plugins that are not here in the same version.
    """
    for name, one in (own or {}).items():
        if name in REGISTERED:
            continue
        reference = Reference.parse(one.reference)
        if reference.path is None:
            check_same(name, register(reference).name)
            continue
        try:
            sources = read_kept(run, name, one)
        except Damaged as error:
            raise UserError(
                f"{run / FOLDER / name}: damaged ({error}); {format_command('invsearch', 'check', run, '--repair')} "
                f"restores it if {reference.path} is still the same, and so does naming that file again"
            ) from None
        register(reference, sources)


def read_own(run: Path | None) -> Mapping[str, Own]:
    """The own architectures of a run, by name; none where there is no run yet.

    Raises:
        UserError: it cannot be read.
    """
    if run is None or not (run / SPEC).exists():
        return {}
    return RunSpec.from_dict(read_spec(run)).own or {}


def list_kept(run: Path | None, reference: str) -> list[str]:
    """Names of the copies that a run keeps of what the user gave, oldest first; none where that cannot be read."""
    with suppress(UserError):
        return [name for name, own in read_own(run).items() if own.reference == reference]
    return []


def load_one_kept(run: Path | None, name: str) -> bool:
    """Makes the kept copy of that name known, if the run has one; whether it has.

    Raises:
        UserError: as ``load_kept``.
    """
    own = read_own(run)
    if run is None or name not in own:
        return False
    load_kept(run, {name: own[name]})
    return True


def keep(run: Path, spec: RunSpec) -> None:
    """Writes the files of those of the run's own architectures that are known; of the others it has copies."""
    for name, one in (spec.own or {}).items():
        if name in REGISTERED and not REGISTERED[name].is_plugin:
            with suppress(Damaged):
                read_kept(run, name, one)
                continue
            write_sources(run / FOLDER / name, REGISTERED[name].sources)


def write_sources(folder: Path, sources: Sources) -> None:
    """Writes the files into a folder, in which no other Python file may be."""
    if folder.is_dir() and any(folder.rglob("*.py")):
        set_aside(folder)
    for path, content in sources.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / path, content)


def check_edited(run: Path, old: RunSpec, asked: RunSpec, accept_changes: bool) -> None:
    """Whether a file that the run has was changed since; one that was is another architecture.

    Raises:
        UserError: so it is, and ``accept_changes`` is not given; the message says both ways on.
    """
    before, own = old.own or {}, asked.own or {}
    earlier = {}  # Names of kept copies, by those of today.
    for name, one in own.items():
        same = [known for known, other in before.items() if _is_same_place(other.reference, one.reference)]
        if name not in before and same:
            earlier[name] = same[-1]
    changes = [
        f"{own[name].reference} has changed: it was {kept} when the run began with it and is {name} now"
        for name, kept in earlier.items()
    ]
    if changes and not accept_changes:
        # What the run has not got yet has no kept copy, and is named by its file.
        new = {name: one.reference for name, one in own.items() if name not in before}
        names = ",".join({**new, **earlier}.get(name, name) for name in asked.architectures)
        single = len(changes) == 1
        way = f"go on with the kept {'copy' if single else 'copies'} (--architectures {names})"
        if plugins := [name for name in earlier if REGISTERED[name].is_plugin]:
            rest = f" and {way}" if len(plugins) < len(earlier) else ""
            way = f"install the version that {'it' if single else ' and '.join(plugins)} had{rest}"
        further = "one as a further architecture" if single else "ones as further architectures"
        raise UserError(
            f"{run}: {'; '.join(changes)}; {way}, or take the changed {further} of the run (--accept-changes)"
        )
    for change in changes:
        print(f"accepted: {change}, a further architecture", file=sys.stderr)


def _is_same_place(before: str, now: str) -> bool:
    """Whether two references are of one file, which may have moved, with its folder or to another host, since."""
    if before == now:
        return True
    old, new = Reference.parse(before), Reference.parse(now)
    if old.path is None or new.path is None or (old.main, old.label) != (new.main, new.label):
        return False
    return not old.path.exists()


def find_damaged(run: Path) -> Iterator[tuple[Path, str, Callable[[], str]]]:
    """Folders that are not as they were kept: where, why, and what sets it aside and restores what can be."""
    try:
        own = read_own(run)
    except UserError:
        return  # Without its spec nobody knows which there are; that is found elsewhere.
    for name, one in own.items():
        reference = Reference.parse(one.reference)
        if reference.path is None:
            continue
        try:
            read_kept(run, name, one)
        except Damaged as error:
            yield run / FOLDER / name, str(error), lambda name=name, one=one: _restore(run, name, one)


def _restore(run: Path, name: str, own: Own) -> str:
    """From the place that the user gave, if the files there are still the same."""
    folder, reference = run / FOLDER / name, Reference.parse(own.reference)
    assert reference.path is not None
    paths = {path.relative_to(folder) for path in folder.rglob("*.py")} | {Path(reference.main)}
    files = {}
    for path in paths:
        with suppress(OSError):
            files[path.as_posix()] = (reference.path.parent / path).read_bytes()
    done = f"set aside as {set_aside(folder).name}" if folder.exists() else "nothing was there to set aside"
    sources = Sources(reference.main, files)
    if reference.main not in files or sources.compute_digest(reference.name) != own.digest:
        return f"{done}; {reference.path} is no longer the same; put back what it was, or a copy of this folder"
    write_sources(folder, sources)
    return f"{done}; restored from {reference.path.parent}"
