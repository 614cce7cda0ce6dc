"""Grids that grow: a run whose space was extended tries first what the smaller spaces had it try."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from spaces.common import fields
from spaces.common.errors import UserError, quoted
from spaces.hyperparameters import Hyperparameters
from spaces.space import MAX_POINTS, Space, space_from

if TYPE_CHECKING:
    from spaces.specs.run import RunSpec

SAMPLES = fields.whole(1, MAX_POINTS)


def grown(spec: RunSpec) -> list[Hyperparameters]:
    """The points of a grid search, in the order in which they are tried.

    Every grid in turn, the earlier ones first, in its own shuffled order and without the points
    that came before, until there are as many in all as were asked for at that time. So the points
    of a run are the beginning of those of every extension of it.

    Raises:
        UserError: the space is continuous, or there is none.
    """
    stages = [(space_from(grid["space"], "earlier"), grid["samples"]) for grid in spec.earlier]
    points: dict[Hyperparameters, None] = {}
    for space, samples in [*stages, (spec.searched, spec.samples)]:
        for theta in space.walk(spec.seed):
            if len(points) >= samples:
                break
            points[theta] = None
    return list(points)


def check_spaces(spec: RunSpec) -> None:
    """Checks the space of a run and the earlier ones.

    Raises:
        UserError: not spaces as invsearch describes them, or not grids each of which has the one before.
    """
    earlier = spec.earlier
    if not isinstance(earlier, tuple) or (earlier and spec.search != "grid"):
        raise UserError(f"earlier: {quoted(earlier)} is not allowed; only a grid search has earlier grids")
    if spec.space is None:
        return
    stages = []
    for grid in earlier:
        if not isinstance(grid, Mapping) or set(grid) != {"space", "samples"}:
            raise UserError(f"earlier: {quoted(grid)} is not allowed; give space and samples")
        SAMPLES.check("earlier: samples", grid["samples"])
        stages.append((_described("earlier", grid["space"]), grid["samples"]))
    stages.append((_described("space", spec.space), spec.samples))
    if spec.search != "grid":
        return
    for space, _ in stages:
        space.choices()
    if sum(space.size for space, _ in stages) > MAX_POINTS:
        raise UserError(f"space: with the earlier ones, it has more than {MAX_POINTS:,} points; give another --out")
    for (space, samples), (larger, more) in pairwise(stages):
        if not space.within(larger) or larger.within(space) or samples > min(more, space.size):
            raise UserError(f"earlier: {quoted(space.name)} did not grow into {quoted(larger.name)}; restore the file")


def _described(field: str, plain: Any) -> Space:
    space = space_from(plain, field)
    if space.describe() != plain:  # 1 is not "1", and a number is not a choice.
        raise UserError(f"{field}: {quoted(plain)} is not how invsearch writes a space; give Space.describe()")
    return space
