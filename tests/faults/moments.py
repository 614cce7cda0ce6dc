"""Moments at which a kill hurts most: between two writes that belong together."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SPIN_SECONDS = 1.0  # Without a sleep, so that the kill comes within a fraction of a millisecond.
State = frozenset[tuple[str, int]]


def looks(folder: Path) -> State:
    """Names and inodes of the files in a folder; a file that is replaced has another inode."""
    with suppress(FileNotFoundError):
        return frozenset((entry.name, entry.inode()) for entry in os.scandir(folder))
    return frozenset()


def await_change(folder: Path, of: Callable[[str], bool]) -> bool:
    """Waits until a file whose name is meant appears or is replaced; whether one was."""
    before = looks(folder)
    give_up = time.monotonic() + SPIN_SECONDS
    while time.monotonic() < give_up:
        if any(of(name) for name, _ in looks(folder) - before):
            return True
    return False


def await_growth(path: Path) -> bool:
    """Waits until a file grows; whether it did."""

    def size() -> int:
        with suppress(FileNotFoundError):
            return path.stat().st_size
        return 0

    before = size()
    give_up = time.monotonic() + SPIN_SECONDS
    while time.monotonic() < give_up:
        if size() > before:
            return True
    return False


# Of a worker: while a file is written; after the checkpoint and before the record; after the record
# and before the older checkpoint goes.
IN_A_TRIAL: dict[str, Callable[[str], bool]] = {
    "a draft": lambda name: name.startswith("."),
    "a checkpoint": lambda name: name.startswith("checkpoint-"),
    "a record": lambda name: name == "record.json",
    "an outcome": lambda name: name == "verdict.json",
}


def wait_for_moment(chooser: random.Random, run: Path, kind: str, trial: str | None) -> str:
    """Waits for a moment drawn at random and returns what it was.

    Args:
        chooser: draws it.
        run: the run folder.
        kind: what is about to be killed.
        trial: the trial that a worker trains just now, if any.
    """
    names = ["any time", *(["a decision"] if (run / "decisions.jsonl").exists() and kind == "driver" else [])]
    if trial is not None:
        names += [name for name in IN_A_TRIAL if name != "an outcome" or kind == "driver"]
    name = chooser.choice(names)
    if name == "any time":
        time.sleep(chooser.uniform(0.0, 1.0))
    elif name == "a decision":
        await_growth(run / "decisions.jsonl")
    elif trial is not None:
        await_change(run / "trials" / trial, IN_A_TRIAL[name])
    return name
