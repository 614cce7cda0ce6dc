"""The runs below a folder, from a few small files of each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from spaces import UserError
from spaces.specs.notes import list_tags, read_notes
from spaces.specs.records import list_trial_folders
from spaces.specs.run import SPEC, read_spec

DEEPEST = 6  # Folders below the one that is named.
VERDICT = "verdict.json"
SKIPPED = ("trials", "report", "figures", "tables")


class Listed(NamedTuple):
    """A run in a list.

    Attributes:
        name: its path below the folder that was named.
        data: its data set.
        networks: its architectures.
        ended: trials that have ended, of those that were begun.
        begun: trials.
        state: ``running``, or how the last invocation ended.
        used: when it was last written to, Unix seconds.
        said: tags and the last note.
    """

    name: str
    data: str
    networks: str
    ended: int
    begun: int
    state: str
    used: float
    said: str


def find_runs(folder: Path) -> Iterator[Path]:
    """The run folders at or below a folder, by name; a run's own folders are not looked into."""
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        if SPEC in files:
            folders.clear()
            yield here
        elif len(here.relative_to(folder).parts) >= DEEPEST:
            folders.clear()


def list_runs(folder: Path) -> list[Listed]:
    """The runs at or below a folder, the last used first; one whose spec.json cannot be read is named as damaged."""
    found = [_describe(str(run.relative_to(folder)), run, _find_used(run)) for run in find_runs(folder)]
    return sorted(found, key=lambda run: (-run.used, run.name))


def list_bucket(url: str) -> list[Listed]:
    """The same of the runs at or below a URL; what has changed of their records is fetched.

    Raises:
        UserError: not such a URL, or the bucket cannot be reached.
    """
    from search.errors import explain_error
    from search.storage.places.address import is_run_url, open_place, parse_url
    from search.storage.places.base import Unreachable
    from search.storage.places.urls import open_mirror, read_first_patience

    url = parse_url(url, top=True)
    try:
        entries = open_place(url, read_first_patience()).list()
    except Unreachable as error:
        raise UserError(explain_error(error)) from None
    runs: dict[str, float] = {}
    for name in sorted(entry.name.removesuffix(SPEC) for entry in entries if f"/{entry.name}".endswith(f"/{SPEC}")):
        # A run's own folders are not looked into; nor is what another program has put where no run can be.
        if is_run_url(f"{url}/{name}") and not any(name.startswith(run) for run in runs):
            runs[name] = max(entry.modified for entry in entries if entry.name.startswith(name))
    found = [_describe(name.rstrip("/") or ".", open_mirror(f"{url}/{name}"), used) for name, used in runs.items()]
    return sorted(found, key=lambda run: (-run.used, run.name))


def _find_used(run: Path) -> float:
    from search.storage.invocations import NAME

    used = 0.0
    for file in (SPEC, NAME, "trials"):
        with suppress(OSError):
            used = max(used, (run / file).stat().st_mtime)
    return used


def _describe(name: str, run: Path, used: float) -> Listed:
    from search.storage.driver import find_driver
    from search.storage.invocations import NAME
    from search.storage.json_files import read_lines

    try:
        spec = read_spec(run)
    except UserError:
        return Listed(name, "-", "-", 0, 0, "damaged", used, "")
    trials = list(list_trial_folders(run))
    ended = sum(os.path.exists(os.path.join(trial, VERDICT)) for trial in trials)
    lines = []
    with suppress(OSError):
        lines = read_lines(run / NAME)[0]
    last = next((line for line in reversed(lines) if line.get("event") in ("start", "end")), {})
    state = "running" if find_driver(run) else str(last.get("outcome", "no end on record"))
    notes = read_notes(run)
    latest = next((note.text for note in reversed(notes) if note.text), "")
    said = " ".join([*(f"[{tag}]" for tag in list_tags(notes)), latest]).strip()
    networks = ", ".join(spec["architectures"])
    return Listed(name, spec["dataset"], networks, ended, len(trials), state, used, said)


def format_used(moment: float) -> str:
    """A day and a minute; a dash where there is none, or none that a clock can show."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)) if moment else "-"
    except (ValueError, OverflowError, OSError):
        return "-"
