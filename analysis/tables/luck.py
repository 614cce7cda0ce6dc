"""What the luck of the search adds: to what one network reaches, and to the difference of two."""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.images import find_sample
from analysis.luck import Found
from analysis.stats.images import Sample, find_interval, measure_errors
from analysis.stats.luck import join_errors
from analysis.stats.samples import Difference, compare_by_welch, summarize
from analysis.tables.images import NO_IMAGES, compare_pairs, explain_pairs, explain_without_images, list_limits
from analysis.tables.notes import name_unfinished
from analysis.tables.table import (
    Table,
    make_display,
    round_off,
    show_number,
    show_p,
    show_percent,
    show_range,
    show_test,
    show_words,
)
from spaces.common.wording import format_count

NOT_SEARCHED = "a configuration was given, not searched, or too little is known of its search"
MEANING = (
    "A search is repeated 2,000 times without training: as many configurations are drawn with replacement from those "
    "that were tried, their means from what their scores say of them, new seeds about these, and the rule of the run "
    "chooses again. The mean with an interval is that after the last epoch. Its 95 % CI has this luck, the seeds and "
    "the test images in it: it is for what searches of other configurations, drawn from the same space, find on "
    "average, and a single one may well end outside it; it is not given where seeds broke down. search: the standard "
    "deviation of what they find in points, a rough estimate, beside that of the reruns' mean by seeds. again: how "
    "often the same configuration is chosen; raced: how often another one of which the race knows further seeds.",
    "Without a race a configuration is known by its one seed of the sweep, shrunk towards the typical one. With a race "
    "the finalists are known by its seeds, all others are taken to be like a typical finalist, and the scores of the "
    "sweep that make finalists are taken as they are.",
    "curse: by how much the sweep's one seed flatters the configuration that is best on it, held against its mean over "
    "the seeds of the race on the same held-out images, with the 95 % interval by the spread of all finalists' seeds.",
)
ASSUMED = (
    "Taken for granted: the scheduler (a trial that was stopped stays so, since what it would have reached is not on "
    "record), the split, configurations that are drawn independently (those of TPE are not, and those of a whole grid "
    "were not drawn), normal means and seeds, seeds that scatter alike in all configurations, and a shift from "
    "held-out to test images that all configurations share."
)
PAIRS = (
    "Differences of the mean test accuracies after the last epoch, in points, with 95 % intervals: by seeds (Welch); "
    "by seeds and images (table image-pairs); and with the luck of both searches, which asks what searches of other "
    "configurations, drawn from the same space, with other seeds and images would give. p is of the last, "
    "Holm-corrected over {count}. Shares are of its variance and rough estimates; that of the search is too high where "
    "seeds scatter as much as configurations do, or these crowd below a limit.",
)


class Row(NamedTuple):
    """A row of table ``luck``; percent and points, fractions for shares; NaN where unknown.

    ``low`` and ``high`` are the ends of the interval of the mean with the luck of the search in it.
    """

    group: str
    data: str
    tried: int
    completed: int
    again: float
    raced: float
    mean: float
    low: float
    high: float
    search: float
    seeds: float
    curse: float
    curse_low: float
    curse_high: float


def build_luck(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each candidate that was searched and rerun."""
    named = [(one, data) for data, found in evidence.by_data.items() for one in found if one.reruns.ended]
    rows = [_describe(one, data, one.luck) for one, data in named if one.luck is not None]
    frame = pd.DataFrame(rows, columns=list(Row._fields))
    if not rows:
        why = name_unfinished(evidence.candidates) if not evidence.ended else f"No row, since {NOT_SEARCHED}."
        return frame, [why, *evidence.remarks]
    said = [*MEANING, ASSUMED, *list_limits(evidence.finished), *_name_unknown(evidence)]
    return frame, [*said, *evidence.repeats, *evidence.remarks]


def _describe(one: Candidate, data: str, found: Found) -> Row:
    summary, sample, interval = one.reruns.summary, find_sample(one), Difference()
    if sample is not None and len(sample.accuracies) > 1 and not (one.reruns.lost or one.reruns.broken):
        summary = summarize(one.reruns.final)
        interval = join_errors(measure_errors(sample), [found.luck]).interval.clip(0.0)
    seeds = summary.std / math.sqrt(summary.n)
    counts = (found.tried, found.completed, found.again, found.raced)
    return Row(
        one.group, data, *counts, summary.mean, interval.low, interval.high, found.luck.std, seeds, *found.curse[:3]
    )


def _name_unknown(evidence: Evidence) -> list[str]:
    names = [one.group for one in evidence.ended if one.luck is None]
    return [f"Left out, since {NOT_SEARCHED}: {', '.join(names)}."] if names else []


class Pair(NamedTuple):
    """A row of table ``luck-pairs``; points, fractions for shares; NaN where unknown or untested."""

    first: str
    second: str
    data: str
    difference: float = math.nan
    seeds_low: float = math.nan
    seeds_high: float = math.nan
    images_low: float = math.nan
    images_high: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    search: float = math.nan
    seeds: float = math.nan
    images: float = math.nan
    untested: str = ""


def build_luck_pairs(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """All pairs of the candidates that have ended reruns on the same data."""
    frame, count = compare_pairs(evidence, Pair._fields, _compare)
    said = [*(note.format(count=count) for note in PAIRS), ASSUMED]
    return frame, explain_pairs(evidence, frame, said)


def _compare(one: Candidate, other: Candidate, ours: Sample | None, theirs: Sample | None, data: str) -> Pair:
    row = Pair(one.group, other.group, data)
    if ours is None or theirs is None or ours.images != theirs.images:
        return row._replace(untested=NO_IMAGES)
    if why := explain_without_images(one, other, ours, theirs):
        return row._replace(untested=why)
    if one.luck is None or other.luck is None:
        return row._replace(untested=NOT_SEARCHED)
    errors, by_seeds = measure_errors(ours, theirs), compare_by_welch(ours.accuracies, theirs.accuracies)
    whole = join_errors(errors, [one.luck.luck, other.luck.luck])
    by_images, by_all = find_interval(errors).clip(-100.0), whole.interval.clip(-100.0)
    return row._replace(
        **{"difference": errors.value, "seeds_low": by_seeds.low, "seeds_high": by_seeds.high},
        **{"images_low": by_images.low, "images_high": by_images.high, "low": by_all.low, "high": by_all.high},
        **{"p": by_all.p, "search": whole.search, "seeds": whole.seeds, "images": whole.images},
    )


def say_if_luck_matters(evidence: Evidence) -> list[str]:
    """A sentence or two for the summary: what is left of the differences where the searches vary, too."""
    frame, _ = build_luck_pairs(evidence)
    frame = frame[frame["untested"] == ""]
    if not len(frame):
        return []
    what = "With searches of other configurations from the same space, other seeds and test images"
    if len(frame) > 1:
        differ = f"{int(frame['differs'].sum())} of {format_count(len(frame), 'pair')} differ"
        return [f"{what} {differ}; by seeds alone the intervals are narrower (table luck-pairs)."]
    row = frame.iloc[0]
    ends, before = (
        f"{round_off(row[low], 2)} to {round_off(row[high], 2)}"
        for low, high in (("low", "high"), ("seeds_low", "seeds_high"))
    )
    parts = ", ".join(f"{round_off(100 * row[part], 0)} % {part}" for part in ("search", "seeds", "images"))
    return [
        f"{what}, {row['first']} minus {row['second']} is {round_off(row['difference'], 2, sign=True)} points with a "
        f"95 % CI of {ends}, by seeds alone {before}; its variance is roughly {parts} (table luck-pairs)."
    ]


SHOWN = (
    show_words("Architecture", "group"),
    show_words("data", "data"),
    show_number("tried", "tried"),
    show_number("to the end", "completed"),
    show_percent("again %", "again", 0),
    show_percent("raced %", "raced", 0),
    show_number("mean", "mean", 2),
    show_range("95 % CI", "low", "high", 2),
    show_number("search", "search", 2),
    show_number("seeds", "seeds", 2),
    show_number("curse", "curse", 2, sign=True),
    show_range("curse's 95 % CI", "curse_low", "curse_high", 2),
)
SHOWN_PAIRS = (
    show_words("First", "first"),
    show_words("Second", "second"),
    show_words("data", "data"),
    show_number("difference", "difference", 2, sign=True),
    show_range("by seeds", "seeds_low", "seeds_high", 2),
    show_range("and images", "images_low", "images_high", 2),
    show_range("and search", "low", "high", 2),
    show_p("p (Holm)", "p_holm"),
    show_test("differs"),
    show_percent("search %", "search", 0),
    show_percent("seeds %", "seeds", 0),
    show_percent("images %", "images", 0),
)
LUCK = Table("luck", "What the search would have found again.", (), build_luck, make_display(SHOWN))
LUCK_PAIRS = Table(
    "luck-pairs", "Differences with the luck of the search.", (), build_luck_pairs, make_display(SHOWN_PAIRS)
)
