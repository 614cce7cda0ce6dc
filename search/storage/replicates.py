"""The folder that holds the replicates of an experiment: how many there are to be, and what they are of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from search.storage.json_files import write_json
from spaces import UserError
from spaces.common.errors import make_printable
from spaces.specs.extend import explain_kept, extend, read_known
from spaces.specs.protocol import FORMAT
from spaces.specs.replicates import COUNT, REPLICATES, find_last, list_replicates, make_replicate, read_count
from spaces.specs.run import SPEC, RunSpec


def settle_count(folder: Path, asked: int | None) -> int | None:
    """How many replicates a folder is to hold: as many as were ever asked for; None for an ordinary run.

    Says it where that is not what is asked for now. Where the number was lost, the replicates that are there say it.

    Raises:
        UserError: not a number of replicates, or the folder holds something else.
    """
    if asked is not None:
        COUNT.check("replicates", asked)
    known = read_count(folder)
    if known is None:
        if asked is not None and folder.exists() and not folder.is_dir():
            raise UserError(f"{folder}: is not a folder; give another --out")
        if asked is None or not folder.exists():
            return asked
        there = {path.name for path in list_replicates(folder, find_last(folder))}
        names = {path.name for path in folder.iterdir()} - there
        if SPEC in names:
            raise UserError(
                f"replicates: {folder} holds an ordinary run; give another --out, or leave --replicates out"
            )
        if any(not name.startswith(".") for name in names):
            raise UserError(f"{folder}: has files but no {REPLICATES}; give --out an empty or new folder")
        known = len(there)
        if asked >= known:
            return asked
    if asked is None or asked < known:
        said = f"so not {asked}" if asked else "and goes on with them"
        print(f"{make_printable(folder)} already asks for {known} replicates, {said}", file=sys.stderr)
    return max(known, asked or 0)


def add_known(folder: Path, asked: RunSpec, count: int) -> RunSpec:
    """What each of so many replicates is to train, as the first one: what is asked for, and what any of them has.

    So all of them stay comparable, also those that are new. Says it where it is more than what was asked for.

    Raises:
        UserError: one of them holds another run.
    """
    whole = asked
    for number, path in enumerate(list_replicates(folder, count), start=1):
        known = read_known(path)
        if known is not None:
            try:
                extended = extend(known, make_replicate(whole, number))
                extended.check_searched()
            except UserError as error:
                raise UserError(f"{path}: {error}") from None
            whole = replace(extended, seed=asked.seed, split_seed=asked.split_seed)
    for line in explain_kept(whole, asked):
        print(f"{make_printable(folder)} {line}", file=sys.stderr)
    return whole


@contextmanager
def keeping_count(folder: Path, count: int) -> Iterator[None]:
    """Writes how many replicates there are to be, for a ``with`` block in which the first one is looked after.

    Where that is refused, the number is again what it was: a start that was refused binds nobody.
    """
    before, last = read_count(folder), find_last(folder)
    try:
        if before != count:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / REPLICATES, {"format": FORMAT, "replicates": count}, indent=2)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); give another --out") from None
    try:
        yield
    except UserError:
        if before is not None and before != count:
            write_json(folder / REPLICATES, {"format": FORMAT, "replicates": before}, indent=2)
        elif before is None and not last and not (list_replicates(folder, 1)[0] / SPEC).exists():
            with suppress(OSError):
                (folder / REPLICATES).unlink()
                folder.rmdir()
        raise
