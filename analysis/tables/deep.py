"""Tables 1.6 and 1.7: a group of columns for each data set, ours with the published number beside it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from analysis.evidence import Candidate, Evidence, find_data, list_remarks, name_data
from analysis.published import deep as chapter
from analysis.published.deep import DATASETS, HYBRIDS, SEEDS, Swap
from analysis.records.reader import Run
from analysis.render.cells import format_compact, format_finished
from analysis.stats.samples import summarize
from analysis.tables.notes import name_elsewhere
from analysis.tables.table import Column, Table, make_display, round_off, show_words
from spaces.common.wording import format_count, join_words
from spaces.specs.recipes import BATCH_SIZE, CIFAR, THETA, TINY_IMAGENET, Recipe

ROWS = (*chapter.ABLATION, chapter.ALL)
MILLION = 1e6
LARGER = ("tiny-imagenet",)  # Its images are 64x64.
TITLES = {name.replace("-", "_"): title for name, title in DATASETS.items()}
"""What people read above the columns of a data set of the chapter."""

SUSPECT = (
    "?: 82.8 of invB+invD with mixing C on CIFAR-10 lies ten points below its neighbours; probably 92.8 was meant."
)
OWN = f"{chapter.ALL}: section 1.5.2 announces swapping all layers at once, but the chapter gives no number for it."
COUNTS = (
    "#Mparam and #Mmults: millions of learned weights, and of multiplies per {image} with the wavelet transform; "
    "counted on the networks that ran"
)
NOTES = [
    f"{COUNTS.format(image='32x32 image')}, the published number in brackets; docs/costs.md explains the differences.",
    "*: estimated by the chapter from the architecture's description. Networks of others: as their "
    "authors report them.",
]


class Entry(NamedTuple):
    """One network of the evidence in these tables.

    Attributes:
        candidate: the network.
        swap: its row and its mixing.
        column: its data set: the name, and the beginning of the hash where runs have several of that name.
        run: the short name of its run.
    """

    candidate: Candidate
    swap: Swap
    column: str
    run: str


def list_entries(evidence: Evidence, rows: Collection[str]) -> list[Entry]:
    """The networks that have a place in a table with those rows, in the order of the runs."""
    names = dict(zip(map(id, evidence.runs), evidence.names, strict=True))
    swaps = [(one, chapter.find_swap(one.architecture)) for one in evidence.candidates]
    found = [(one, swap) for one, swap in swaps if swap is not None and swap.row in rows]
    columns = name_data(find_data(one.run) for one, _ in found)
    return [Entry(one, swap, columns[find_data(one.run)], names[id(one.run)]) for one, swap in found]


def stands_beside(found: list[Entry]) -> bool:
    """Whether the published numbers stand in the table: not where everything was trained on data of another kind."""
    return not found or any(entry.candidate.run.spec["dataset"] in DATASETS for entry in found)


def choose_entry(found: list[Entry], swap: Swap, column: str) -> Entry | None:
    """The network of a cell: of the last run that has any rerun of it that ended, else of the last that lost some."""
    ours = [entry for entry in found if (entry.swap, entry.column) == (swap, column)]
    finished = [entry for entry in ours if entry.candidate.accuracies.size]
    lost = [entry for entry in ours if entry.candidate.reruns.lost]
    return next(reversed(finished or lost), None)


def build_ablation(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Table 1.6: rows are swaps; for each data set the mixings A (1x1), B (shifted impulse) and C (learned 3x3)."""
    found = list_entries(evidence, ROWS)
    rows = []
    for row, width in _list_rows(found, ROWS):
        values: dict[str, Any] = {"swap": _add_width(row, width)}
        for column in _list_columns(found):
            for place, mixing in enumerate(chapter.MIXINGS):
                field = f"{_find_field(column)}_{mixing.lower()}"
                known = chapter.ABLATION.get(row, {}).get(column, (None,) * 3)[place] if width is None else None
                values |= _fill_cell(choose_entry(found, Swap(row, mixing, width), column), field, known)
                values[f"{field}_suspicious"] = width is None and (row, column, mixing) == chapter.SUSPICIOUS
        rows.append(values)
    return pd.DataFrame(rows), [
        *write_notes(evidence, found, 64, SEEDS),
        *((SUSPECT, OWN) if stands_beside(found) else ()),
    ]


def build_hybrids(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Table 1.7: rows are networks; costs, then one column for each data set."""
    found = list_entries(evidence, HYBRIDS)
    rows = []
    known = HYBRIDS | {other.title: other for other in chapter.OTHERS}
    for name, width in _list_rows(found, known):
        row, accuracies = known[name], dict(zip(DATASETS, known[name].accuracies, strict=False))
        values: dict[str, Any] = {"title": _add_width(row.title, width), "layers": row.layers}
        for what, ours in zip(("params", "mults"), _find_cost(found, name, width), strict=True):
            values |= {f"{what}_millions": ours, f"{what}_published": getattr(row, what)}
            values[f"{what}_estimated"] = what in row.estimated
        for column in _list_columns(found):
            entry = choose_entry(found, Swap(name, "A", width), column)
            values |= _fill_cell(entry, _find_field(column), accuracies.get(column))
        if width is not None or not stands_beside(found):
            values |= {key: math.nan for key in values if key.endswith("_published")}
        rows.append(values)
    return pd.DataFrame(rows), [
        *write_notes(evidence, found, 96, None),
        *(NOTES if stands_beside(found) else [f"{COUNTS.format(image='image')}."]),
    ]


def _list_columns(found: list[Entry]) -> list[str]:
    """The data sets of the chapter, where it has a say, then whatever else was trained on, by its own name."""
    return list(dict.fromkeys([*(DATASETS if stands_beside(found) else ()), *(entry.column for entry in found)]))


def _list_rows(found: list[Entry], names: Iterable[str]) -> Iterator[tuple[str, int | None]]:
    """Each row at the chapter's width (None), where it has a say or we trained that; then at others, wide to narrow."""
    for name in names:
        trained = {entry.swap.width for entry in found if entry.swap.row == name}
        if None in trained or stands_beside(found):
            yield name, None
        for width in sorted((width for width in trained if width is not None), reverse=True):
            yield name, width


def _add_width(title: str, width: int | None) -> str:
    """A row's title; a network of another width is another row, with no published number."""
    return title if width is None else f"{title}, C = {width}"


def _find_field(column: str) -> str:
    """The beginning of the names of a data set's raw values."""
    return column.replace("-", "_") if column in DATASETS else column


def _fill_cell(entry: Entry | None, field: str, published: float | None) -> dict[str, Any]:
    """The raw values of a cell."""
    ours = summarize([] if entry is None else entry.candidate.accuracies)
    return {
        f"{field}_mean": ours.mean,
        f"{field}_std": ours.std,
        f"{field}_n": ours.n,
        f"{field}_asked": 0 if entry is None else entry.candidate.reruns.asked,
        f"{field}_epochs": math.nan if entry is None else entry.candidate.run.spec["rerun_epochs"],
        f"{field}_run": "" if entry is None else entry.run,
        f"{field}_published": math.nan if published is None else published,
    }


def _find_cost(found: list[Entry], name: str, width: int | None) -> tuple[float, float]:
    """Millions of learned weights and of multiplies with the transform, of the network's last run; else NaN.

    Beside those of the chapter stand only costs on its smaller images: multiplies depend on the size.
    """
    small = [entry for entry in found if entry.candidate.run.spec["dataset"] in {*DATASETS} - {*LARGER}]
    for entry in reversed(small if stands_beside(found) else found):
        layers = entry.candidate.run.costs.get(entry.candidate.architecture)
        if (entry.swap.row, entry.swap.width) == (name, width) and layers:
            mults = sum(layer["mults"] + layer["transform_mults"] for layer in layers)
            return sum(layer["params"] for layer in layers) / MILLION, mults / MILLION
    return math.nan, math.nan


def _display_ablation(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    fields = {field: f"{TITLES.get(field[:-2], field[:-2])} {field[-1].upper()}" for field in _list_fields(frame)}
    return make_display([show_words("", "swap"), *(_show_cell(heading, field) for field, heading in fields.items())])(
        frame
    )


def _display_hybrids(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    columns = [
        show_words("Arch. Name", "title"),
        Column("N_l", lambda row: str(row["layers"])),
        Column("#Mparam", lambda row: _format_counted(row, "params", 1)),
        Column("#Mmults", lambda row: _format_counted(row, "mults", 0)),
        *(_show_cell(TITLES.get(field, field), field) for field in _list_fields(frame)),
    ]
    return make_display(columns)(frame)


def _list_fields(frame: pd.DataFrame) -> list[str]:
    return [str(name).removesuffix("_mean") for name in frame if str(name).endswith("_mean")]


def _show_cell(heading: str, field: str) -> Column:
    """Ours, with how many seeds finished where not all did, and the published number in brackets; blank without any."""

    def text(row: dict[str, Any]) -> str:
        known, finished, asked = row[f"{field}_published"], row[f"{field}_n"], row[f"{field}_asked"]
        ours = round_off(row[f"{field}_mean"], 1) if asked else ""
        some = f" [{format_finished(finished, asked)}]" if finished < asked else ""
        published = "" if math.isnan(known) else f"({known:.1f}{'?' if row.get(f'{field}_suspicious') else ''})"
        return f"{ours}{some} {published}".strip()

    return Column(heading, text)


def _format_counted(row: dict[str, Any], what: str, digits: int) -> str:
    ours, known = row[f"{what}_millions"], row[f"{what}_published"]
    published = "" if math.isnan(known) else f"({known:g}{'*' * row[f'{what}_estimated']})"
    # The chapter's decimals, but two digits at least: a narrow network has few parameters.
    counted = round_off(ours, digits) if ours >= 1.0 else f"{ours:.2g}"
    return f"{'' if math.isnan(ours) else counted} {published}".strip()


def write_notes(evidence: Evidence, found: list[Entry], width: int, seeds: int | None) -> list[str]:
    """What the numbers are, and what was asked otherwise than by the chapter.

    Args:
        evidence: the runs.
        found: the networks that have a place in the table.
        width: C of the chapter.
        seeds: of the chapter, where it says how many.
    """
    if not found:
        return ["No network of this table was trained in these runs; the published numbers stand in brackets."]
    brackets, left = "", "published numbers are left out"
    if stands_beside(found):
        brackets, left = ", the published number in brackets", "its columns have no published counterpart"
    said = [f"Mean test accuracy in percent over the reruns that ended{brackets}."]
    for run, name in zip(evidence.runs, evidence.names, strict=True):
        if mine := [entry for entry in found if entry.candidate.run is run]:
            said.append(f"{name}: {', '.join([mine[0].column, *_name_asked(run, mine, width, seeds)])}.")
    own = dict.fromkeys(entry.column for entry in found if entry.candidate.run.spec["dataset"] not in DATASETS)
    said += [f"{name} is not a data set of the chapter: {left}." for name in own]
    cells: dict[tuple[Swap, str], list[Entry]] = {}
    for entry in found:
        if entry.candidate.accuracies.size:
            cells.setdefault((entry.swap, entry.column), []).append(entry)
    said += [
        f"{entry.candidate.architecture} of {entry.run} is left out, because {last.run} has it too and is used."
        for *others, last in cells.values()
        for entry in others
    ]
    for run, name in zip(evidence.runs, evidence.names, strict=True):
        mine = [entry.candidate.architecture for entry in found if entry.candidate.run is run]
        said += [f"{name}: {note}" if len(evidence.runs) > 1 else note for note in name_elsewhere(run, mine)]
    return [*said, *evidence.judges, *list_remarks(entry.candidate for entry in found)]


def _name_asked(run: Run, mine: list[Entry], width: int, seeds: int | None) -> Iterator[str]:
    """What a run asked for, each with the chapter's value where that is another one."""
    spec = run.spec
    recipe = TINY_IMAGENET if spec["dataset"] in LARGER else CIFAR
    if (asked := spec.get("rerun_seeds")) is None:
        yield "searched and not rerun yet (invsearch rerun does)"
    else:
        ended = sorted({len(entry.candidate.accuracies) for entry in mine})
        epochs = spec["rerun_epochs"]
        yield _describe_gap(format_count(epochs, "epoch"), epochs != recipe.epochs and recipe.epochs)
        finished = f", {' to '.join(map(str, ended[:: max(1, len(ended) - 1)]))} ended" if ended[0] < asked else ""
        yield _describe_gap(format_count(asked, "seed"), asked != seeds and seeds) + finished
    if other := sorted({entry.swap.width for entry in mine if entry.swap.width is not None}):
        yield _describe_gap(f"width {', '.join(map(str, other))}", width)
    if other := sorted(_list_batch_sizes(spec, mine) - {BATCH_SIZE}):
        yield _describe_gap(f"batches of {join_words([*map(str, other)])}", BATCH_SIZE)
    if not (thetas := spec.get("thetas")):
        searched = dict.fromkeys(name.replace("_", " ") for entry in mine for name in entry.candidate.hyperparameters)
        *names, last = searched or ("lr", "momentum", "weight decay", "gain")
        yield f"{', '.join(names)} and {last} from a search (published: not searched)"
    elif any(not THETA.as_dict().items() <= thetas[entry.candidate.architecture].items() for entry in mine):
        theta = (f"{name.replace('_', ' ')} {format_compact(float(value))}" for name, value in THETA.as_dict().items())
        yield _describe_gap("other lr, momentum, weight decay or gain", ", ".join(theta))
    used = Recipe.from_dict(spec["recipe"]) if spec.get("recipe") else None
    if used != recipe:
        yield _describe_gap(f"recipe: {used or 'constant lr, images as they are'}", recipe)


def _list_batch_sizes(spec: Mapping[str, Any], mine: Iterable[Entry]) -> set[int]:
    """The batch sizes of some networks' configurations; none of one that is still searched for."""
    usual = None if "batch_size" in (spec.get("space") or {}) else spec["batch_size"]
    given = spec.get("thetas") or {}
    thetas = (given.get(entry.candidate.architecture) or entry.candidate.theta or {} for entry in mine)
    return {int(size) for theta in thetas if (size := theta.get("batch_size", usual)) is not None}


def _describe_gap(ours: str, published: object) -> str:
    return f"{ours} (published: {published})" if published else ours


TABLE_1_6 = Table(
    "1.6",
    "VGG-like architecture with convolutional and invariant layers on several datasets.",
    tuple(row + suffix for row in ROWS for suffix in (("", "-B", "-C") if row != "ref" else ("",))),
    build_ablation,
    _display_ablation,
    searched=False,
    seeds=SEEDS,
)
TABLE_1_7 = Table(
    "1.7",
    "Hybrid ScatterNet top-1 classification accuracies on CIFAR-10 and CIFAR-100.",
    tuple(HYBRIDS),
    build_hybrids,
    _display_hybrids,
    searched=False,
    seeds=SEEDS,
)
