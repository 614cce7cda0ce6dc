"""Searches repeated end to end: the mean over them, who won, by how much, and what each chose."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.evidence import Evidence
from analysis.records.schema import join_trials, list_hyperparameters, make_records
from analysis.replicates.components import measure_mean
from analysis.replicates.experiment import Experiment, Repeated, average_splits, find_experiment
from analysis.stats.images import Errors, Sample, find_interval, measure_errors
from analysis.stats.samples import Difference, correct_by_holm
from analysis.tables.table import (
    Column,
    Table,
    list_used,
    make_display,
    round_off,
    show_number,
    show_p,
    show_range,
    show_theta,
    show_words,
)
from spaces.common.wording import format_count
from spaces.hyperparameters import NAMES

NONE = (
    "There are no replicates: they take two searches with reruns that differ only in --seed and --split-seed, as "
    "invsearch reproduce --replicates makes them."
)
ONE_TEST_SET = (
    "All replicates have the same test images, and all reruns the same training images: what is held out changes with "
    "the split, what a network is in the end trained and judged on does not."
)


FEW = "Of {count} fewer than two are finished."
FEW_PAIRS = "Of {count} fewer than two have all reruns of the same two networks."
ONE_SPLIT = "Searches of one split may be alike, so there are no intervals."


class Answer(NamedTuple):
    """A row of table ``replicates``: percent; NaN where unknown."""

    architecture: str
    searches: int
    splits: int
    seeds: int
    mean: float
    low: float
    high: float
    both_low: float
    both_high: float
    std: float
    lowest: float
    highest: float
    wins: int
    of: int


def build_replicates(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """One row per architecture: the mean over searches."""
    experiment = find_experiment(evidence)
    wins, of = experiment.count_wins()
    rows = [_average(one, wins[name], of) for name, one in experiment.repeated.items() if len(one.found) > 1]
    frame = pd.DataFrame(rows, columns=list(Answer._fields))
    if not rows:
        return frame, explain_none(experiment)
    several = [one for one in experiment.repeated.values() if len(one.found) > 1]
    alone = _say_how_many_hold(several, list(frame["mean"]))
    return frame, [_describe_design(experiment), *alone, ONE_TEST_SET, *list_gaps(experiment)]


def _say_how_many_hold(several: Sequence[Repeated], means: Sequence[float]) -> list[str]:
    """How often the interval that a search gives of itself holds the mean over all of them."""
    said = []
    for one, mean in zip(several, means, strict=True):
        known = [found.reruns.summary for found in one.found if found.reruns.summary.low == found.reruns.summary.low]
        if known:
            held = sum(each.low <= mean <= each.high for each in known)
            said.append(f"{one.title} {held} of {len(known)}")
    what = "Of the 95 % intervals that single searches give by their own seeds, so many hold the mean over all searches"
    return [f"{what}: {', '.join(said)}."] if said else []


def _average(one: Repeated, wins: int, of: int) -> Answer:
    values = average_splits(one.means, one.splits)
    mean, errors = measure_mean(values).clip(0.0), _measure_errors(values, one.shares, one.splits)
    both = Difference() if errors is None else find_interval(errors).clip(0.0)
    return Answer(
        architecture=one.title,
        searches=len(one.found),
        splits=len(values),
        seeds=min(map(len, one.samples)),
        mean=mean.difference,
        low=mean.low,
        high=mean.high,
        both_low=both.low,
        both_high=both.high,
        std=float(np.std(one.means, ddof=1)),
        lowest=float(one.means.min()),
        highest=float(one.means.max()),
        wins=wins,
        of=of,
    )


def _measure_errors(values: np.ndarray, shares: np.ndarray | None, splits: Sequence[int]) -> Errors | None:
    """Errors by splits and images; shares are (searches, images). None where the images' are not known."""
    if shares is None or len(values) < 2:
        return None
    return measure_errors(Sample(values, shares.shape[1], average_splits(shares, splits)))


def _describe_design(experiment: Experiment) -> str:
    splits = {run.spec["split_seed"] for run in experiment.runs}
    searches, many = f"{len(experiment.runs)} searches", format_count(len(splits), "split")
    mean = (
        "splits' means, which are independent; its interval is Student's t over them on these test images, and with "
        "images: on others of the same kind."
        if len(splits) > 1
        else f"searches. {ONE_SPLIT}"
    )
    return (
        f"{searches} end to end with different seeds, over {many} of training and held-out images. mean: over the "
        f"{mean} won: in how many replicates it has the highest mean."
    )


def explain_none(experiment: Experiment, few: str = FEW) -> list[str]:
    """Why a table of replicates has no rows; ``few`` where there are replicates and yet too little of them."""
    first = few.format(count=format_count(len(experiment.runs), "replicate")) if experiment.runs else NONE
    return [first, *list_gaps(experiment)]


def list_gaps(experiment: Experiment) -> list[str]:
    """What is missing or left out."""
    said = [experiment.begun] if experiment.begun else []
    behind = [
        f"{name} ({one.architecture}: {one.reruns.ended} of {one.reruns.asked})" for name, one in experiment.lacking
    ]
    if behind:
        said.append(f"Left out, as not all reruns have ended by themselves: {', '.join(behind)}.")
    if experiment.overlapping:
        names = ", ".join(experiment.overlapping)
        said.append(
            f"Left out, as seeds of their sweep, race or reruns are those of another replicate: {names}. "
            "reproduce --replicates has seeds 200,000 apart."
        )
    if experiment.runs and experiment.others:
        said.append(f"No replicates of these, and left out: {', '.join(experiment.others)}.")
    return [*said, *experiment.evidence.judges]


def summarize_replicates(evidence: Evidence) -> list[str]:
    """Who is ahead over all searches, and by how much; nothing where the runs are not all replicates."""
    experiment = find_experiment(evidence)
    frame, pairs = build_replicates(evidence)[0], build_pairs(evidence)[0]
    if experiment.others or experiment.overlapping or not len(frame):
        return []
    rows = make_records(frame.sort_values("mean", ascending=False, kind="stable"))
    best, compared = rows[0], len(rows) > 1 and rows[0]["of"] > 0
    said = [_say_mean(row, compared) for row in (rows[:1] if compared else rows)]
    it = "it" if compared else best["architecture"]
    for row in make_records(pairs):
        if best["architecture"] in (row["first"], row["second"]):
            sign = 1 if row["first"] == best["architecture"] else -1
            other = row["second"] if sign == 1 else row["first"]
            said.append(
                f"Within a replicate {it} has {round_off(sign * row['difference'], 2, sign=True)} points more than "
                f"{other}{_say_between(row, sign)}."
            )
    return said


def _say_mean(row: dict[str, Any], compared: bool) -> str:
    """The mean of a network over its searches; ``compared``: the highest of those in the same replicates."""
    what = "seeds and held-out images" if row["splits"] > 1 else "seeds"
    ahead = f"; it was ahead in {row['wins']} of {row['of']}" if compared else ""
    return (
        f"Over {row['searches']} searches, each with other {what}, {row['architecture']} has "
        f"{'the highest' if compared else 'a'} mean test accuracy{':' if compared else ' of'} "
        f"{round_off(row['mean'], 2)} %{_say_between(row, 1)}, by search {round_off(row['lowest'], 2)} to "
        f"{round_off(row['highest'], 2)}{ahead}."
    )


def _say_between(row: dict[str, Any], sign: int) -> str:
    """The interval with images where that is known, else that by searches."""
    known = [(row["both_low"], row["both_high"]), (row["low"], row["high"])]
    ends = next((sorted(sign * end for end in pair) for pair in known if not math.isnan(pair[0])), None)
    return f" (95 % CI {round_off(ends[0], 2)} to {round_off(ends[1], 2)})" if ends else ""


class Pair(NamedTuple):
    """A row of table ``replicate-pairs``: points, NaN where unknown."""

    first: str
    second: str
    searches: int
    splits: int
    difference: float
    low: float
    high: float
    both_low: float
    both_high: float
    p: float
    ahead: int
    behind: int


def build_pairs(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Every pair of architectures, compared within each replicate."""
    experiment = find_experiment(evidence)
    matched = [one.match(other) for one, other in itertools.combinations(experiment.repeated.values(), 2)]
    rows = [_compare(one, other) for one, other in matched if len(one.found) > 1]
    frame = pd.DataFrame(rows, columns=list(Pair._fields))
    frame["p_holm"] = correct_by_holm(frame["p"].astype(float))
    if not rows:
        return frame, explain_none(experiment, FEW_PAIRS)
    tests = int(frame["p"].notna().sum())
    intervals = (
        "The 95 % interval is Student's t over the splits' means on these test images, and with images on others of "
        "the same kind; p is that of the latter where it is known, Holm-corrected over "
        f"{format_count(tests, 'pair')}."
    )
    said = (
        "Differences of the means in points, within each replicate: both networks have the same split and seeds "
        f"there, so what these do to both cancels. {intervals if tests else 'No pair was tested.'} ahead: in how many "
        "replicates the first has the higher mean."
    )
    return frame, [said, *list_gaps(experiment)]


def _compare(one: Repeated, other: Repeated) -> Pair:
    differences, splits = one.means - other.means, one.splits
    values = average_splits(differences, splits)
    found, shares = measure_mean(values).clip(-100.0), None
    if one.shares is not None and other.shares is not None and one.shares.shape == other.shares.shape:
        shares = one.shares - other.shares
    errors = _measure_errors(values, shares, splits)
    both = Difference() if errors is None else find_interval(errors).clip(-100.0)
    return Pair(
        first=one.title,
        second=other.title,
        searches=len(differences),
        splits=len(values),
        difference=found.difference,
        low=found.low,
        high=found.high,
        both_low=both.low,
        both_high=both.high,
        p=found.p if errors is None else both.p,
        ahead=int((differences > 0).sum()),
        behind=int((differences < 0).sum()),
    )


CHOSEN = ["seed", "split_seed", "val_percent", "mean_percent", "std_percent", "again", "of"]


def build_choices(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """What each replicate chose for each architecture, and what came of it."""
    experiment = find_experiment(evidence)
    frames = []
    for several in experiment.candidates.values():
        chosen = [one.incumbent["config_id"] for one in several if one.incumbent is not None]
        for name, one in zip(experiment.names, several, strict=True):
            if one.incumbent is None:
                continue
            row, ended = one.incumbent, one.reruns.accuracies
            theta = {field: row[field] for field in list_hyperparameters(one.run.trials)}
            content = {
                "replicate": name,
                "architecture": several[0].group.rpartition(": ")[2],
                **theta,
                "seed": one.run.spec["seed"],
                "split_seed": one.run.spec["split_seed"],
                "val_percent": one.selected,
                "mean_percent": float(np.mean(ended)) if len(ended) else math.nan,
                "std_percent": float(np.std(ended, ddof=1)) if len(ended) > 1 else math.nan,
                "again": chosen.count(row["config_id"]) - 1,
                "of": len(chosen) - 1,
            }
            frames.append(pd.DataFrame([content]))
    if not frames:
        return pd.DataFrame(columns=["replicate", "architecture", *NAMES, *CHOSEN]), explain_none(experiment)
    said = (
        "held out: validation accuracy in percent by which it was chosen, the mean over the seeds of its race or that "
        "of the sweep's one seed. mean, std: of its reruns on the test images. again: how many of the other "
        "replicates chose the same configuration."
    )
    return join_trials(frames), [said, *list_gaps(experiment)]


def _show_choices(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    columns = (
        show_words("Replicate", "replicate"),
        show_words("Architecture", "architecture"),
        *show_theta(frame, list_used(frame)),
        show_number("seed", "seed"),
        show_number("split seed", "split_seed"),
        show_number("held out", "val_percent", 2),
        show_number("mean", "mean_percent", 2),
        show_number("std", "std_percent", 2),
        Column("again", lambda row: f"{row['again']} of {row['of']}"),
    )
    return make_display(columns)(frame)


def _show_searches(row: dict[str, Any]) -> str:
    return f"{row['searches']} ({format_count(row['splits'], 'split')})"


SHOWN = (
    show_words("Architecture", "architecture"),
    Column("searches", _show_searches),
    show_number("reruns", "seeds"),
    show_number("mean", "mean", 2),
    show_range("95 % CI", "low", "high", 2),
    show_range("with images", "both_low", "both_high", 2),
    show_number("std", "std", 2),
    show_range("lowest to highest", "lowest", "highest", 2),
    Column("won", lambda row: f"{row['wins']} of {row['of']}"),
)
SHOWN_PAIRS = (
    show_words("First", "first"),
    show_words("Second", "second"),
    Column("searches", _show_searches),
    show_number("difference", "difference", 2, sign=True),
    show_range("95 % CI", "low", "high", 2),
    show_range("with images", "both_low", "both_high", 2),
    show_p("p (Holm)", "p_holm"),
    Column("ahead", lambda row: f"{row['ahead']} of {row['searches']}"),
)
REPLICATES = Table("replicates", "Searches repeated end to end.", (), build_replicates, make_display(SHOWN))
REPLICATE_PAIRS = Table(
    "replicate-pairs", "Differences within each replicate.", (), build_pairs, make_display(SHOWN_PAIRS)
)
REPLICATE_CHOICES = Table("replicate-choices", "What each replicate chose.", (), build_choices, _show_choices)
