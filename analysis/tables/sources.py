"""What the answer of a search varies with: the split, the search, the seeds and the test images."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd

from analysis.evidence import Evidence
from analysis.replicates.components import Components, estimate_components, find_factors
from analysis.replicates.experiment import Repeated, average_splits, find_experiment
from analysis.stats.images import Sample
from analysis.tables.replicates import ONE_TEST_SET, explain_none, list_gaps
from analysis.tables.table import Column, Table, make_display, round_off, show_words

MEANING = (
    "split, search, seeds, images: by each of these alone one answer (what one search chose, over all its reruns) has "
    "this standard deviation in points, and this share of the variance; all: by them together. one seed: of a single "
    "rerun. Estimators of the analysis of variance (nested), and of seeds x images for the images."
)
JOINT = (
    "No split has two searches, so split and search are not told apart: search is both. A fifth replicate of the same "
    "command would tell them apart."
)
ONE_SPLIT = (
    "All searches have one split, so what the split does is not known, and the shares are of the rest. Searches with "
    "another --split-seed would tell."
)
PARTS = ("split", "search", "seed", "images")


class Sources(NamedTuple):
    """A row of table ``replicate-sources``: variances in squared points, as estimated; NaN where unknown.

    ``search`` is that of the split, too, where they are ``joint``.
    """

    architecture: str
    seeds: int
    one_seed: float
    split: float
    search: float
    seed: float
    images: float
    joint: bool

    @property
    def known(self) -> dict[str, float]:
        """The parts of an answer's variance that are known, none below 0."""
        parts = {name: getattr(self, name) for name in PARTS}
        return {name: max(0.0, value) for name, value in parts.items() if not math.isnan(value)}


def build_sources(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """One row per architecture: what the variance of an answer is due to."""
    experiment = find_experiment(evidence)
    rows, said = [], []
    for one in experiment.repeated.values():
        if len(one.found) > 1:
            found = estimate_components(one.samples, one.splits)
            rows.append(_attribute(one, found))
            said += [ONE_SPLIT] if len({*one.splits}) == 1 else []
            said += _say_limits(rows[-1], found)
    frame = pd.DataFrame(rows, columns=list(Sources._fields))
    totals = [math.nan if math.isnan(row.search + row.seed) else sum(row.known.values()) for row in rows]
    for name in PARTS:
        shares = [
            row.known.get(name, math.nan) / total if total else math.nan
            for row, total in zip(rows, totals, strict=True)
        ]
        frame[f"{name}_share"] = shares
    frame["all"] = totals
    if not rows:
        return frame, explain_none(experiment)
    return frame, [MEANING, *dict.fromkeys(said), ONE_TEST_SET, *list_gaps(experiment)]


def _attribute(one: Repeated, found: Components) -> Sources:
    seeds, images = min(map(len, one.samples)), math.nan
    if one.shares is not None and len({*one.splits}) > 1:
        shares = average_splits(one.shares, one.splits)
        images = Sample(100.0 * shares.mean(axis=1), shares.shape[1], shares).image_variance
    return Sources(one.title, seeds, found.seed, found.split, found.search, found.seed / seeds, images, found.joint)


def _say_limits(row: Sources, found: Components) -> list[str]:
    """What the estimates cannot say."""
    said = [JOINT] if found.joint else []
    if math.isnan(row.search):
        return [
            f"{row.architecture}: with one rerun a search, what the search does is not told from what its seed does; "
            "give more --seeds."
        ]
    freedoms = {"split": found.split_freedom, "search": found.search_freedom, "seeds": found.seed_freedom}
    known = {name: count for name, count in freedoms.items() if count}
    least = min(known.values())
    low, high = (round_off(factor, 1) for factor in find_factors(least))
    said.append(
        f"Degrees of freedom: {', '.join(f'{name} {count}' for name, count in known.items())}. With {least} the mean "
        f"square's root is known within factors of {low} and {high}."
    )
    negative = [f"{name} {getattr(row, name):.2g}" for name in PARTS if getattr(row, name) < 0]
    if negative:
        many = "variance is" if len(negative) == 1 else "variances are"
        said.append(
            f"{row.architecture}: a negative estimate of {many} shown as 0: {', '.join(negative)} squared points."
        )
    if math.isnan(row.images):
        said.append(
            f"{row.architecture}: the images' part is not known: predictions of all seeds after the last epoch, on "
            "which the judge decides, and two splits would tell it."
        )
    return said


def _show_source(heading: str, field: str) -> Column:
    """The standard deviation by one source, and its share of the variance."""

    def text(row: dict[str, Any]) -> str:
        if field == "split" and row["joint"]:
            return "in search"
        if math.isnan(row[field]):
            return "-"
        share = row[f"{field}_share"]
        return f"{_take_root(row[field])}" + ("" if math.isnan(share) else f" ({100 * share:.0f} %)")

    return Column(heading, text)


def _take_root(variance: float) -> str:
    return round_off(math.sqrt(max(0.0, variance)) if variance == variance else math.nan, 2)


SHOWN_SOURCES = (
    show_words("Architecture", "architecture"),
    Column("one seed", lambda row: _take_root(row["one_seed"])),
    _show_source("split", "split"),
    _show_source("search", "search"),
    Column("reruns", lambda row: str(row["seeds"])),
    _show_source("seeds", "seed"),
    _show_source("images", "images"),
    Column("all", lambda row: _take_root(row["all"])),
)
REPLICATE_SOURCES = Table(
    "replicate-sources", "What the answer of a search varies with.", (), build_sources, make_display(SHOWN_SOURCES)
)
