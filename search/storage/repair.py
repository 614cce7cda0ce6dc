"""Damage to a run folder: found by checksums, set aside under a name that says so, mended from copies.

What can be restored is restored: the spec and the environment from the history, a record from its
trial's outcome or checkpoint. What cannot is done again by the next sweep, and only that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from search.storage import invocations, sources
from search.storage.json_files import read_lines, set_aside, write_json
from search.storage.provenance import ENVIRONMENT, check_environment
from spaces import UserError
from spaces.common.wording import format_count
from spaces.files.atomic import write_atomically
from spaces.files.sealed import ASIDE, Damaged, read_sealed, seal
from spaces.specs.notes import NOTES
from spaces.specs.protocol import FORMAT
from spaces.specs.records import OUTCOME, RECORD, Record, list_trial_folders, read_outcome, read_record
from spaces.specs.run import SPEC, RunSpec

NOT_A_FOLDER = "not a folder of its own"
LOGS = (invocations.NAME, "decisions.jsonl", "ray_sessions.jsonl", NOTES)
AGAIN = "the next command writes it again"
SPEC_FIELDS = {"format", *RunSpec.__dataclass_fields__}
# Of the run's own folder: what raises unless the content is what it should be, and what becomes of a lost file.
TOP: dict[str, tuple[Callable[[Any], object], str]] = {
    SPEC: (RunSpec.from_dict, AGAIN),
    ENVIRONMENT: (check_environment, AGAIN),
    "costs.json": (dict, "the next command counts them again"),
}


@dataclass(frozen=True)
class Finding:
    """Something that is not as invsearch wrote it.

    Attributes:
        path: the file or folder.
        reason: what is wrong with it.
        act: sets it aside and restores what can be; returns what was done.
    """

    path: Path
    reason: str
    act: Callable[[], str]

    def mend(self) -> str:
        """Mends it; returns a line that says so."""
        return f"{self.path}: damaged ({self.reason}); {self.act()}"


def inspect(run: Path, deep: bool) -> list[Finding]:
    """Everything damaged in a run folder; nothing is changed.

    Args:
        run: the run folder.
        deep: also read every checkpoint, which takes time.

    Raises:
        UserError: the run was written by another version of invsearch.
    """
    found = [finding for name in TOP for finding in _find_top(run, name)]
    found += [finding for name in LOGS for finding in _find_log(run / name)]
    found += [Finding(*damaged) for damaged in sources.find_damaged(run)]
    trials = run / "trials"
    if trials.is_symlink() or (trials.exists() and not trials.is_dir()):
        again = Finding(trials, NOT_A_FOLDER, lambda: f"{_set_one_aside(trials)}; its trials run again")
        return [*found, again]
    for folder in sorted(trials.iterdir()) if trials.exists() else []:
        if ASIDE not in folder.name:
            found += _find_trial(folder, deep)
    return found


def list_recorded(run: Path) -> list[Path]:
    """The record of every trial that has one, by name; what was set aside, and links, do not count."""
    records = [Path(folder, RECORD) for folder in list_trial_folders(run) if not os.path.islink(folder)]
    return [record for record in records if os.path.lexists(record)]


def _find_top(run: Path, name: str) -> Iterator[Finding]:
    path, content = run / name, None
    try:
        content = read_sealed(path)
        if content is not None:
            TOP[name][0](content)
        elif name == SPEC and any(list_recorded(run)):
            raise Damaged("missing, though there are trials")
    except (Damaged, UserError, OSError) as error:
        if name == SPEC and content and (set(content) - SPEC_FIELDS or content.get("format") != FORMAT):
            why = "another version of invsearch wrote it, which works on it"
            raise UserError(f"{path}: {error}; {why}: use that one, or give another --out") from None
        # Whole but without a checksum, as those of format 1.
        old = name == SPEC and isinstance(error, Damaged) and path.is_file() and path.read_bytes()[:20]
        if old and old.lstrip(b"{ \n").startswith(b'"format": 1'):
            raise UserError(f"{path}: of an older format; use the version of invsearch that wrote it") from None
        yield Finding(path, str(error), lambda: _restore_top(run, name))


def _restore_top(run: Path, name: str) -> str:
    done = _set_one_aside(run / name, copy=True)
    known = invocations.find_last_known(run, name.removesuffix(".json"), TOP[name][0])
    if known is None:
        (run / name).unlink(missing_ok=True)
        return f"{done}; {TOP[name][1]}"
    write_json(run / name, known, indent=2)
    return f"{done}; restored from {invocations.NAME}"


def _find_log(path: Path) -> Iterator[Finding]:
    try:
        good, damaged = read_lines(path)
    except OSError as error:
        yield Finding(path, error.strerror or str(error), lambda: _set_one_aside(path))
        return
    if damaged:

        def act() -> str:
            done = _set_one_aside(path, copy=True)
            write_atomically(path, b"".join(map(seal, good)))
            return f"{done}; its {len(good)} sound lines were kept"

        yield Finding(path, f"{damaged} of {damaged + len(good)} lines", act)


def _find_trial(folder: Path, deep: bool) -> Iterator[Finding]:
    if folder.is_symlink() or not folder.is_dir():
        yield Finding(folder, NOT_A_FOLDER, lambda: f"{_set_one_aside(folder)}; the trial runs again")
        return
    for path in sorted(folder.iterdir()):
        if ASIDE in path.name or path.suffix == ".json" or (path.is_file() and not path.is_symlink()):
            continue
        if os.path.lexists(path):  # Or the trial goes on while it is looked at.
            yield Finding(path, "not a file of its own", partial(_set_one_aside, path))
    outcome, record = None, None
    try:
        outcome = read_outcome(folder)
    except (Damaged, OSError) as error:
        yield Finding(folder / OUTCOME, str(error), lambda: f"{_set_one_aside(folder / OUTCOME)}; it is made again")
    try:
        record = read_record(folder)
        if outcome is not None and record is None:
            raise Damaged("missing, though there is an outcome")
        if outcome is not None and record is not None and len(record.rows) < outcome.epoch:
            raise Damaged(f"it ends before epoch {outcome.epoch}, at which the trial ended")
    except (Damaged, OSError) as error:
        copy = None if outcome is None else outcome.record
        yield Finding(folder / RECORD, str(error), lambda: _restore_record(folder, copy))
        record = None
    if deep:
        yield from _find_checkpoints(folder, 0 if record is None else len(record.rows))


def _restore_record(folder: Path, copy: Any) -> str:
    """From the outcome's copy, else the newest sound checkpoint's; else the trial begins again."""
    from search.storage import checkpoint

    done = _set_one_aside(folder / RECORD, copy=True)
    copies = {"its outcome": lambda: copy} if copy is not None else {}
    copies |= {path.name: lambda path=path: checkpoint.load(path)[1] for path in _sort_newest_first(folder)}
    for source, read in copies.items():
        try:
            Record.from_dict(found := read(), folder.name)
        except (Damaged, OSError):
            continue
        write_json(folder / RECORD, found)
        return f"{done}; restored from {source}, nothing is lost"
    (folder / RECORD).unlink(missing_ok=True)
    if (folder / OUTCOME).exists():
        done += f"; {_set_one_aside(folder / OUTCOME)}"
    return f"{done}; the trial's epochs are trained again"


def _sort_newest_first(folder: Path) -> list[Path]:
    found = []
    for path in folder.glob("checkpoint-*.safetensors"):
        with suppress(FileNotFoundError):  # A trial that continues while it is looked at.
            found.append((path.lstat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]


def _find_checkpoints(folder: Path, epochs: int) -> Iterator[Finding]:
    from search.storage import checkpoint

    for path in _sort_newest_first(folder):
        if path.is_symlink() or not path.is_file():
            continue  # Reported as such.
        try:
            state, _ = checkpoint.load(path)
            if state["trial_id"] != folder.name or path.name != f"checkpoint-{state['epoch']}.safetensors":
                raise Damaged(f"it is of epoch {state['epoch']} of {state['trial_id']}")
        except FileNotFoundError:
            continue  # A trial that continues while it is looked at.
        except (Damaged, OSError, KeyError, TypeError) as error:
            again = f"{format_count(epochs, 'epoch')} to train again if it is needed"
            yield Finding(path, str(error), lambda path=path, again=again: f"{_set_one_aside(path)}; {again}")


def _set_one_aside(path: Path, copy: bool = False) -> str:
    return f"set aside as {set_aside(path, copy).name}" if os.path.lexists(path) else "nothing was there to set aside"


def find_set_asides(run: Path) -> list[Path]:
    """What was set aside before, for people to look at or remove."""
    folders = ("", f"{sources.FOLDER}/", "trials/", "trials/*/")
    return sorted(path for folder in folders for path in run.glob(f"{folder}*{ASIDE}*"))
