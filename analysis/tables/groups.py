"""What Tables 1.6 and 1.7 share: a group of columns for each data set, ours with the published number beside it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from analysis.evidence import Candidate, Evidence
from analysis.published_deep import DATASETS, SEEDS, Swap, swap_of
from analysis.stats import Summary, summarise
from analysis.tables.columns import rounded


class Entry(NamedTuple):
    """One network of the evidence in these tables."""

    candidate: Candidate
    swap: Swap
    dataset: str


def entries(evidence: Evidence) -> list[Entry]:
    """The networks that have a place, in the order of the runs."""
    found = [(one, swap_of(one.architecture), one.run.spec["dataset"]) for one in evidence.candidates]
    return [Entry(one, swap, dataset) for one, swap, dataset in found if swap is not None]


def datasets(found: list[Entry]) -> dict[str, str]:
    """Data set -> heading: those of the text, then whatever else was trained on, by its own name."""
    return DATASETS | {entry.dataset: entry.dataset for entry in found if entry.dataset not in DATASETS}


def sample(found: list[Entry], row: str, mixing: str, dataset: str) -> Summary:
    """The finished reruns of a cell; the last run that has any counts, and none is an empty sample."""
    ours = [
        entry.candidate.accuracies
        for entry in found
        if (entry.swap.row, entry.swap.mixing, entry.dataset) == (row, mixing, dataset)
        and len(entry.candidate.accuracies)
    ]
    return summarise(ours[-1] if ours else [])


def cell(row: dict[str, Any], field: str) -> str:
    """Ours with the published number in brackets; blank where there is neither."""
    ours, known = row[f"{field}_mean"], row[f"{field}_published"]
    published = "" if math.isnan(known) else f"({known:.1f}{'?' if row.get(f'{field}_suspicious') else ''})"
    return f"{'' if math.isnan(ours) else rounded(ours, 1)} {published}".strip()


def field_of(dataset: str, mixing: str = "") -> str:
    """The name of a cell's raw columns."""
    return "_".join(part for part in (dataset.replace("-", "_").lower(), mixing.lower()) if part)


def heading(field: str) -> str:
    """What people read above the columns of a data set."""
    return {field_of(name): title for name, title in DATASETS.items()}.get(field, field.replace("_", "-"))


def notes_on(evidence: Evidence, found: list[Entry]) -> list[str]:
    """What the numbers are, and where they are of less than the text's protocol."""
    if not found:
        return ["No network of this table was trained in these runs; the published numbers stand in brackets."]
    said = [
        "Mean test accuracy in percent over the finished reruns, the published number in brackets. Seeds (finished): "
        + ", ".join(f"{entry.candidate.architecture} {len(entry.candidate.accuracies)}" for entry in found)
        + "."
    ]
    for run, name in zip(evidence.runs, evidence.names, strict=True):
        mine = [entry for entry in found if entry.candidate.run is run]
        if not mine:
            continue
        epochs, seeds, recipe = run.spec["rerun_epochs"], run.spec["rerun_seeds"], run.spec.get("recipe")
        less = [
            f"{epochs} epochs" + (f" (published: {recipe['epochs']})" if recipe and epochs < recipe["epochs"] else "")
        ]
        less += [f"{seeds} seeds (published: {SEEDS})"] * (seeds < SEEDS)
        widths = sorted({entry.swap.width for entry in mine if entry.swap.width is not None})
        less += [f"width {', '.join(map(str, widths))}"] * bool(widths)
        where = run.spec["dataset"]
        said.append(f"{name}: {where}, {', '.join(less)}.")
        if where not in DATASETS:
            said.append(f"{where} is a data set of its own: its columns do not compare with any published number.")
    lost = [
        f"{one.architecture} {', '.join(parts)}"
        for one in (entry.candidate for entry in found)
        if (
            parts := [
                f"{count} {what}"
                for what, count in (("diverged", one.reruns.diverged), ("failed", one.reruns.failed))
                if count
            ]
        )
    ]
    return [*said, *([f"The means leave out: {'; '.join(lost)}."] if lost else [])]
