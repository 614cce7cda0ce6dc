"""The folder that holds the replicates of an experiment: how many there are to be."""

from __future__ import annotations

import sys
from pathlib import Path

from search.storage.json_files import write_json
from spaces import UserError
from spaces.common.errors import printable
from spaces.specs.extend import extend, read_known
from spaces.specs.protocol import FORMAT
from spaces.specs.replicates import COUNT, REPLICATES, list_replicates, make_replicate, read_count
from spaces.specs.run import SPEC, RunSpec


def settle_count(folder: Path, asked: int | None) -> int | None:
    """How many replicates a folder is to hold: as many as were ever asked for; None for an ordinary run.

    Says it where that is not what is asked for now.

    Raises:
        UserError: not a number of replicates, or the folder holds something else.
    """
    if asked is not None:
        COUNT.check("replicates", asked)
    known = read_count(folder)
    if known is None:
        names = {path.name for path in folder.iterdir()} if asked is not None and folder.is_dir() else set()
        if SPEC in names:
            raise UserError(
                f"replicates: {folder} holds an ordinary run; give another --out, or leave --replicates out"
            )
        if any(not name.startswith(".") for name in names):
            raise UserError(f"{folder}: has files but no {REPLICATES}; give --out an empty or new folder")
        return asked
    if asked is None or asked < known:
        said = f"so not {asked}" if asked else "and goes on with them"
        print(f"{printable(folder)} already asks for {known} replicates, {said}", file=sys.stderr)
    return max(known, asked or 0)


def keep_count(folder: Path, spec: RunSpec, count: int) -> None:
    """Writes how many replicates there are to be, once those that are there can be extended to what is asked for.

    Raises:
        UserError: one of them holds another run.
    """
    for number, path in enumerate(list_replicates(folder, count), start=1):
        known = read_known(path)
        if known is not None:
            try:
                extend(known, make_replicate(spec, number)).check_searched()
            except UserError as error:
                raise UserError(f"{path}: {error}") from None
    if read_count(folder) != count:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / REPLICATES, {"format": FORMAT, "replicates": count}, indent=2)
