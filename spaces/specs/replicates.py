"""Replicates: several searches of one experiment, which differ in their seeds and in what is held out.

Each is an ordinary run in a folder of its own within the folder of them all, which holds only their number besides.
The first is the run that would be made alone. Four splits are used once each before a second search of the first one
begins (``SPLITS``): the interval of the mean rests on the number of splits, since searches of one split may be alike,
and what the split does is told from what the search does by splits that have two. So R replicates are the first ones
of every larger number of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spaces.common.errors import UserError
from spaces.common.fields import make_whole
from spaces.files.sealed import Damaged, read_sealed
from spaces.specs.protocol import FORMAT, MAX_SEEDS
from spaces.specs.run import REPLICATES, SPEC, RunSpec

MOST = 99
COUNT = make_whole(2, MOST)
SPLITS = 4
STRIDE = 2 * MAX_SEEDS
"""Between the seeds of two replicates; each uses one for its sweep and those after it for reruns and race."""


def name_replicate(number: int) -> str:
    """The folder of a replicate; the first has number 1."""
    return f"replicate-{number:02}"


def place_split(number: int) -> int:
    """Which split a replicate has; 0 is the one that was asked for.

    >>> [place_split(number) for number in range(1, 13)]
    [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7]
    """
    block, place = divmod(number - 1, 2 * SPLITS)
    return SPLITS * block + place % SPLITS


def make_replicate(spec: RunSpec, number: int) -> RunSpec:
    """What a replicate trains, where the first trains ``spec``: with seeds that no other uses.

    Data that are cut into training and test images by the split seed stay as the first one has them.

    Raises:
        UserError: seeds are not as large as that.
    """
    seed, split_seed = spec.seed + STRIDE * (number - 1), spec.split_seed + place_split(number)
    try:
        return replace(spec, seed=seed, split_seed=split_seed)
    except UserError as error:
        raise UserError(f"replicate {number} would have the {error}") from None


def read_count(folder: Path) -> int | None:
    """How many replicates a folder was asked for; None where it holds none.

    Raises:
        UserError: the file that says so cannot be read.
    """
    where = folder / REPLICATES
    try:
        content = read_sealed(where) if folder.is_dir() else None
        if content is None:
            return None
        count = content["replicates"]
        COUNT.check("replicates", count)
        if content["format"] != FORMAT:
            raise Damaged(f"not of format {FORMAT}")
        return count
    except OSError as error:
        raise UserError(f"{where}: cannot be read ({error.strerror or error}); make it readable") from None
    except (Damaged, KeyError, UserError) as error:
        raise UserError(
            f"{where}: damaged ({error}); remove it and give the same command with --replicates again"
        ) from None


def list_replicates(folder: Path, count: int) -> list[Path]:
    """The folders of so many replicates, whether they are there or not."""
    return [folder / name_replicate(number) for number in range(1, count + 1)]


def find_last(folder: Path) -> int:
    """The number of the last replicate that a folder has a folder of; 0 where there is none."""
    return max((number for number in range(1, MOST + 1) if (folder / name_replicate(number)).is_dir()), default=0)


def list_seeds(spec: RunSpec) -> list[range]:
    """The seeds that a run may use: of its sweep and reruns, and of its race."""
    race = spec.seed + MAX_SEEDS + 1
    return [
        range(spec.seed, spec.seed + 1 + (spec.rerun_seeds or 0)),
        range(race, race + (spec.choice_seeds or 0)),
    ]


def list_runs(folder: Path) -> list[Path]:
    """The run folders that a path stands for: those of its replicates that were begun, or itself.

    Raises:
        UserError: no replicate was begun, or their number cannot be read.
    """
    count = read_count(folder) if not (folder / SPEC).exists() else None
    if count is None:
        return [folder]
    begun = [path for path in list_replicates(folder, count) if (path / SPEC).exists()]
    if not begun:
        raise UserError(f"{folder}: no replicate has begun; give the command that made it again")
    return begun
