"""How much of a mean, and of a difference, is due to the few test images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.images import find_sample
from analysis.stats.images import (
    Sample,
    compute_binomial_error,
    find_interval,
    list_mcnemar,
    measure_errors,
    resample_images,
)
from analysis.stats.outcomes import BROKEN
from analysis.stats.samples import ALPHA, Difference, compare_by_welch, correct_by_holm, explain_untested, summarize
from analysis.tables.notes import name_left_out, name_unfinished
from analysis.tables.table import (
    Column,
    Table,
    format_seeds,
    make_display,
    round_off,
    show_number,
    show_p,
    show_range,
    show_test,
    show_words,
)
from spaces.common.wording import format_count

NOT_KEPT = (
    "Predictions were not kept (the run is from before they were): {names}. There the images' error is the binomial "
    "one, as if each network had test images of its own. That is an upper limit, so the interval is wider than it need "
    "be."
)
NO_IMAGES = "the number of test images is not known"
UNKNOWN = "How many test images there are is not on record: {names}."
INFERRED = "Where predictions were not kept, the number of test images is the common denominator of the accuracies."
ONE_SPLIT = (
    "The test set is one sample of images. The interval by seeds asks what other seeds would give on these images; the "
    "one by both asks what other seeds would give on other images of the same kind."
)
MEANS = (
    "Test accuracy in percent after the last epoch, and standard errors in points. One seed: of a single network's "
    "accuracy, by the images (binomial). Of the mean: by seeds, std over the root of n; by images, since an image that "
    "is hard for one seed is hard for others; by both (two-way analysis of variance), with the Student-t interval, "
    "which is not given where seeds broke down."
)
PAIRS = (
    "Differences of the mean test accuracies after the last epoch, in points, with 95 % intervals: by seeds (Welch), "
    "by images (bootstrap; these seeds, other images), and by both (two-way analysis of variance, the same images). "
    "p is of both, Holm-corrected over {count}.",
    "McNemar: of so many pairs of seeds, how many differ at 5 % by McNemar's exact test, uncorrected, and the median "
    "p. It compares two trained networks, not two architectures.",
)


Compare: TypeAlias = "Callable[[Candidate, Candidate, Sample | None, Sample | None, str], tuple[Any, ...]]"


class Mean(NamedTuple):
    """A row of table ``images``; percent and points, NaN where unknown."""

    group: str
    data: str
    n: int
    asked: int
    images: float = math.nan
    mean: float = math.nan
    std: float = math.nan
    single: float = math.nan
    by_seeds: float = math.nan
    by_images: float = math.nan
    by_both: float = math.nan
    low: float = math.nan
    high: float = math.nan


def build_means(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each candidate that has finished reruns."""
    named = [(one, data) for data, found in evidence.by_data.items() for one in found]
    rows = [_describe_mean(one, data) for one, data in named if one.reruns.finished]
    frame = pd.DataFrame(rows, columns=list(Mean._fields))
    if not rows:
        return frame, [name_unfinished(evidence.candidates), *evidence.remarks]
    said = [MEANS, ONE_SPLIT, *list_limits(evidence.finished), *evidence.repeats]
    return frame, [*said, *name_left_out(evidence), *evidence.remarks]


def _describe_mean(one: Candidate, data: str) -> Mean:
    sample, values = find_sample(one), one.reruns.final.to_numpy()
    mean, found = float(values.mean()), summarize(values)
    row = Mean(one.group, data, len(values), one.reruns.asked, mean=mean, std=found.std)
    row = row._replace(by_seeds=found.std / math.sqrt(len(values)))
    if sample is None:
        return row
    row = row._replace(images=sample.images, single=compute_binomial_error(mean, sample.images))
    if len(values) < 2:
        return row
    errors = measure_errors(sample)
    # Seeds that break down are a mixture, which Student's t does not describe.
    interval = Difference() if one.reruns.broken else find_interval(errors).clip(0.0)
    return row._replace(by_images=errors.images, by_both=errors.both, low=interval.low, high=interval.high)


class Pair(NamedTuple):
    """A row of table ``image-pairs``; points, NaN where unknown or untested."""

    first: str
    second: str
    data: str
    images: float = math.nan
    difference: float = math.nan
    seeds_low: float = math.nan
    seeds_high: float = math.nan
    images_low: float = math.nan
    images_high: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    mcnemar_pairs: int = 0
    mcnemar_differ: int = 0
    mcnemar_p: float = math.nan
    untested: str = ""


def build_image_pairs(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """All pairs of the candidates that have ended reruns on the same data."""
    frame, count = compare_pairs(evidence, Pair._fields, _compare)
    return frame, explain_pairs(evidence, frame, [PAIRS[0].format(count=count), PAIRS[1], ONE_SPLIT])


def compare_pairs(evidence: Evidence, fields: Sequence[str], compare: Compare) -> tuple[pd.DataFrame, str]:
    """All pairs of the candidates that have ended reruns on the same data, and how many of them were tested.

    Args:
        evidence: the candidates.
        fields: of what ``compare`` returns; ``p`` and ``untested`` are among them.
        compare: a row of two candidates, their samples, and the name of the data.

    Returns:
        Its rows with ``p_holm``, corrected over the pairs on the same data, and ``differs``; the number in words.
    """
    rows = []
    for data, found in evidence.by_data.items():
        samples = {one.group: find_sample(one) for one in found}
        for one, other in itertools.combinations(found, 2):
            rows.append(compare(one, other, samples[one.group], samples[other.group], data))
    frame = pd.DataFrame(rows, columns=list(fields))
    frame["p"] = frame["p"].astype(float)
    frame["p_holm"] = frame.groupby("data")["p"].transform(correct_by_holm) if rows else frame["p"]
    frame["differs"] = frame["p_holm"] < ALPHA
    return frame, format_count(int(frame["p"].notna().sum()), "pair")


def explain_without_images(one: Candidate, other: Candidate, ours: Sample, theirs: Sample) -> str:
    """Why two candidates are not tested with the images as a sample; empty where they are."""
    lost = any(each.reruns.lost for each in (one, other))
    if not lost and any(each.reruns.broken for each in (one, other)):
        return BROKEN
    return explain_untested(ours.accuracies, theirs.accuracies, lost)


def explain_pairs(evidence: Evidence, frame: pd.DataFrame, said: Sequence[str]) -> list[str]:
    """The notes of ``compare_pairs``: ``said``, what limits the numbers, and which pairs were not tested and why."""
    if not len(frame):
        why = "Fewer than two architectures have finished reruns on the same data."
        return [why, *evidence.repeats, *evidence.remarks]
    notes = [*said, *list_limits(evidence.finished)]
    for why, pairs in frame[frame["untested"] != ""].groupby("untested", sort=False):
        first = pairs.iloc[0]
        more = f", and {format_count(len(pairs) - 1, 'other pair')}" if len(pairs) > 1 else ""
        notes.append(f"Not tested, since {why}: {first['first']} and {first['second']}{more}.")
    return [*notes, *evidence.repeats, *evidence.remarks]


def _compare(one: Candidate, other: Candidate, ours: Sample | None, theirs: Sample | None, data: str) -> Pair:
    row = Pair(one.group, other.group, data)
    if ours is None or theirs is None or ours.images != theirs.images:
        return row._replace(untested=NO_IMAGES)
    row = row._replace(images=ours.images)
    if why := explain_without_images(one, other, ours, theirs):
        return row._replace(untested=why)
    by_seeds = compare_by_welch(ours.accuracies, theirs.accuracies)
    interval = find_interval(measure_errors(ours, theirs)).clip(-100.0)
    row = row._replace(difference=interval.difference, seeds_low=by_seeds.low, seeds_high=by_seeds.high)
    row = row._replace(low=interval.low, high=interval.high, p=interval.p)
    if ours.right is None or theirs.right is None or ours.by_image is None or theirs.by_image is None:
        return row
    low, high = resample_images(ours.by_image, theirs.by_image)
    found = list_mcnemar(ours.right, theirs.right)
    return row._replace(
        images_low=low,
        images_high=high,
        mcnemar_pairs=len(found),
        mcnemar_differ=sum(p < ALPHA for p in found),
        mcnemar_p=float(np.median(found)),
    )


def list_limits(candidates: Iterable[Candidate]) -> list[str]:
    """Which candidates are without predictions, and what that means."""
    samples = {one.group: find_sample(one) for one in candidates}
    unknown = [group for group, sample in samples.items() if sample is None]
    without = [group for group, sample in samples.items() if sample is not None and sample.right is None]
    said = [NOT_KEPT.format(names=", ".join(without)), INFERRED] if without else []
    return [*said, *([UNKNOWN.format(names=", ".join(unknown))] if unknown else [])]


def say_how_few_images(evidence: Evidence) -> list[str]:
    """One sentence for tables of means: the binomial error of a single network's accuracy."""
    frame, _ = build_means(evidence)
    known = frame["single"].dropna()
    if not len(known):
        return []
    ends = " to ".join(dict.fromkeys(round_off(end, 2) for end in (known.min(), known.max())))
    error = f"a standard error of {ends} points (table images)"
    return [f"The test images are a sample, too: by them alone one seed has {error}."]


def say_if_images_matter(evidence: Evidence) -> list[str]:
    """One sentence for tables of pairs: how many of the differences hold for other images, too."""
    frame, _ = build_image_pairs(evidence)
    tests = int(frame["p"].notna().sum())
    if not tests:
        return []
    kept = all(sample.right is not None for one in evidence.finished if (sample := find_sample(one)) is not None)
    differ = f"{'' if kept else 'at least '}{int(frame['differs'].sum())} of {format_count(tests, 'pair')}"
    return [f"These tests are about these test images; with the images as a sample {differ} differ (image-pairs)."]


def _show_mcnemar(row: dict[str, Any]) -> str:
    return f"{row['mcnemar_differ']} of {row['mcnemar_pairs']}" if row["mcnemar_pairs"] else "-"


SHOWN_MEANS = (
    show_words("Architecture", "group"),
    show_words("data", "data"),
    show_number("images", "images"),
    Column("n", format_seeds),
    show_number("mean", "mean", 2),
    show_number("std", "std", 2),
    show_number("one seed", "single", 2),
    show_number("by seeds", "by_seeds", 2),
    show_number("by images", "by_images", 2),
    show_number("by both", "by_both", 2),
    show_range("95 % CI", "low", "high", 2),
)
SHOWN_PAIRS = (
    show_words("First", "first"),
    show_words("Second", "second"),
    show_words("data", "data"),
    show_number("images", "images"),
    show_number("difference", "difference", 2, sign=True),
    show_range("by seeds", "seeds_low", "seeds_high", 2),
    show_range("by images", "images_low", "images_high", 2),
    show_range("by both", "low", "high", 2),
    show_p("p (Holm)", "p_holm"),
    show_test("differs"),
    Column("McNemar", _show_mcnemar),
    show_p("median p", "mcnemar_p"),
)
IMAGES = Table("images", "Seeds and test images.", (), build_means, make_display(SHOWN_MEANS))
IMAGE_PAIRS = Table(
    "image-pairs", "Differences on the same test images.", (), build_image_pairs, make_display(SHOWN_PAIRS)
)
