"""The sentences below Tables 1.6 and 1.7: what the numbers are, and what was asked otherwise than by the chapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.evidence import Evidence, remarks_on
from analysis.published.deep import DATASETS, Swap
from analysis.records.reader import Run
from analysis.render.cells import format_compact
from analysis.tables.groups import Entry, choose_groups, stands_beside
from spaces.common.wording import format_count
from spaces.hyperparameters import Hyperparameters
from spaces.specs.recipes import BATCH_SIZE, CIFAR, THETA, TINY_IMAGENET, Recipe

RECIPES = {"tiny-imagenet": TINY_IMAGENET}  # Others have that of CIFAR.


def write_notes(evidence: Evidence, found: list[Entry], width: int, seeds: int | None) -> list[str]:
    """The notes.

    Args:
        evidence: the runs.
        found: the networks that have a place in the table.
        width: C of the chapter.
        seeds: of the chapter, where it says how many.
    """
    if not found:
        return ["No network of this table was trained in these runs; the published numbers stand in brackets."]
    brackets = ", the published number in brackets" if stands_beside(found) else ""
    said = [f"Mean test accuracy in percent over the finished reruns{brackets}."]
    for run, name in zip(evidence.runs, evidence.names, strict=True):
        mine = [entry for entry in found if entry.candidate.run is run]
        if mine:
            said.append(f"{name}: {', '.join([mine[0].column, *name_asked(run, mine, width, seeds)])}.")
    own = dict.fromkeys(entry.column for entry in found if entry.candidate.run.spec["dataset"] not in DATASETS)
    left = "its columns have no published counterpart" if stands_beside(found) else "published numbers are left out"
    said += [f"{name} is not a data set of the chapter: {left}." for name in own]
    return [*said, *_name_left_out(found), *remarks_on(entry.candidate for entry in found)]


def name_asked(run: Run, mine: list[Entry], width: int, seeds: int | None) -> Iterator[str]:
    """What a run asked for, each with the chapter's value where that is another one."""
    spec = run.spec
    recipe = RECIPES.get(spec["dataset"], CIFAR)
    if spec.get("rerun_seeds") is None:
        yield "searched and not rerun yet (invsearch rerun does)"
    else:
        counts = [len(entry.candidate.accuracies) for entry in mine]
        least, most = min(counts), max(counts)
        finished = (
            f", {least if least == most else f'{least} to {most}'} finished" if least < spec["rerun_seeds"] else ""
        )
        yield _describe_gap(
            format_count(spec["rerun_epochs"], "epoch"), spec["rerun_epochs"] != recipe.epochs and recipe.epochs
        )
        yield (
            _describe_gap(format_count(spec["rerun_seeds"], "seed"), spec["rerun_seeds"] != seeds and seeds) + finished
        )
    other = sorted({entry.swap.width for entry in mine if entry.swap.width is not None})
    if other:
        yield _describe_gap(f"width {', '.join(map(str, other))}", width)
    if spec["batch_size"] != BATCH_SIZE:
        yield _describe_gap(f"batches of {spec['batch_size']}", BATCH_SIZE)
    thetas = spec.get("thetas")
    if not thetas:
        yield "lr, momentum, weight decay and gain from a search (published: not searched)"
    elif any(Hyperparameters.from_mapping(thetas[entry.candidate.architecture]) != THETA for entry in mine):
        yield _describe_gap("other lr, momentum, weight decay or gain", _shorten(THETA))
    if (used := _read_recipe(spec)) != recipe:
        yield _describe_gap(f"recipe: {used or 'constant lr, images as they are'}", str(recipe))


def _read_recipe(spec: dict[str, Any]) -> Recipe | None:
    return Recipe.from_dict(spec["recipe"]) if spec.get("recipe") else None


def _shorten(theta: Hyperparameters) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {format_compact(value)}" for name, value in theta.as_dict().items())


def _describe_gap(ours: str, published: object) -> str:
    return f"{ours} (published: {published})" if published else ours


def _name_left_out(found: list[Entry]) -> list[str]:
    """Networks with finished reruns whose cell another run has filled."""
    cells: dict[tuple[Swap, str], list[Entry]] = {}
    for entry in found:
        if entry.candidate.accuracies.size:
            cells.setdefault((entry.swap, entry.column), []).append(entry)
    return [
        f"{first.candidate.architecture} of {first.run} is left out, because {last.run} has it too and is used."
        for (swap, column), several in cells.items()
        if (last := choose_groups(found, swap, column)) is not None
        for first in several[:-1]
    ]
