"""Tables ``replicates``, ``replicate-sources``, ``replicate-pairs`` and ``replicate-choices``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import scipy.stats

from analysis.records.reader import Run, read_run
from analysis.tables import TABLES
from spaces import Hyperparameters
from tests.analysis.conftest import RunFolder, keep_predictions

BEST, OTHER = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0), Hyperparameters(0.1, 0.5, 1e-5, 1.5)
# Of eight searches the accuracies of three seeds, in percent: conv, invariant.
CONV = [(90, 92, 94), (87, 88, 89), (95, 96, 97), (88, 89, 93), (93, 94, 95), (84, 85, 86), (94, 94, 94), (87, 90, 93)]
OURS = [(85, 86, 87), (88, 92, 96), (80, 85, 90), (89, 90, 91), (84, 85, 86), (91, 92, 93), (80, 84, 88), (90, 92, 94)]
SPLITS = (0, 1, 2, 3, 0, 1, 2, 3)


def write(make_folder: Callable[..., RunFolder], number: int, **changes: Any) -> RunFolder:
    folder = make_folder(f"replicate-0{number + 1}")
    folder.spec |= {"seed": 200_000 * number, "split_seed": SPLITS[number], **changes}
    for name, accuracies in (("conv", CONV[number]), ("invariant", OURS[number])):
        best = OTHER if name == "conv" and number == 3 else BEST
        for theta, held_out in ((BEST, 0.9), (OTHER, 0.8 if best is BEST else 0.95)):
            folder.sweep(name, [0.1, 0.2, 0.3, held_out], "completed", theta=theta, seed=folder.spec["seed"])
        for seed, accuracy in enumerate(accuracies, start=folder.spec["seed"] + 1):
            folder.rerun(name, [0.5, 0.6, 0.7, accuracy / 100], "completed", theta=best, seed=seed)
    return folder


@pytest.fixture
def replicates(make_folder: Callable[..., RunFolder]) -> list[RunFolder]:
    return [write(make_folder, number) for number in range(8)]


def read(folders: Sequence[RunFolder]) -> list[Run]:
    return [read_run(folder.write()) for folder in folders]


def test_the_mean_rests_on_splits_and_the_variance_is_split(replicates: list[RunFolder]) -> None:
    filled = TABLES["replicates"].build(*read(replicates))
    conv, ours = filled.frame.to_dict("records")
    assert (conv["architecture"], conv["searches"], conv["splits"], conv["seeds"]) == ("Convolutional", 8, 4, 3)
    means = np.mean(CONV, axis=1)
    by_split = (means[:4] + means[4:]) / 2
    interval = scipy.stats.ttest_1samp(by_split, 0).confidence_interval(0.95)
    assert (conv["mean"], conv["low"], conv["high"]) == pytest.approx((means.mean(), *interval))
    assert (conv["lowest"], conv["highest"], conv["std"]) == pytest.approx((85, 96, means.std(ddof=1)))
    assert (conv["wins"], ours["wins"], conv["of"]) == (4, 3, 8)  # The fourth replicate is a tie.
    assert "8 searches end to end with different seeds, over 4 splits" in filled.notes[0]
    filled = TABLES["replicate-sources"].build(*read(replicates))
    conv = filled.frame.iloc[0]
    within = np.var(CONV, axis=1, ddof=1).mean()
    middle = 3 * np.var([means[:4], means[4:]], axis=0, ddof=1).mean()
    between = 6 * by_split.var(ddof=1)
    parts = ((between - middle) / 6, (middle - within) / 3, within / 3)
    assert tuple(conv[["split", "search", "seed"]]) == pytest.approx(parts)
    assert (conv["one_seed"], conv["all"]) == pytest.approx((within, sum(parts)))
    assert conv["search_share"] == pytest.approx(parts[1] / sum(parts))
    notes = " ".join(filled.notes)
    assert "Degrees of freedom: split 3, search 4, seeds 16" in notes
    assert "images' part is not known" in notes
    assert str(filled).count("\n") > 4


def test_images_that_are_hard_for_all_are_a_part_of_their_own(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    conv = TABLES["replicate-sources"].build(*read(replicates)).frame.iloc[0]
    # Image i is wrong for whoever has more than i wrong, out of 100: two-way analysis of variance of splits x images.
    right = 100.0 * (np.arange(100) >= 100 - np.array(CONV)[..., None]).mean(axis=1)
    table = (right[:4] + right[4:]) / 2
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    residual = (rest**2).sum() / (3 * 99)
    images = table.mean(axis=0).var(ddof=1) / 100
    assert conv["images"] == pytest.approx(images - residual / 400)
    assert conv["all"] == pytest.approx(sum(conv[name] for name in ("split", "search", "seed", "images")))
    conv = TABLES["replicates"].build(*read(replicates)).frame.iloc[0]
    assert conv["both_low"] < conv["low"] < conv["high"] < conv["both_high"]


def test_pairs_are_compared_within_each_replicate(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    (row,) = TABLES["replicate-pairs"].build(*read(replicates)).frame.to_dict("records")
    differences = np.mean(CONV, axis=1) - np.mean(OURS, axis=1)
    by_split = (differences[:4] + differences[4:]) / 2
    test: Any = scipy.stats.ttest_1samp(by_split, 0)
    interval = test.confidence_interval(0.95)
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((differences.mean(), *interval))
    assert (row["ahead"], row["behind"], row["searches"]) == (4, 3, 8)
    assert row["both_low"] <= row["low"]
    assert row["p_holm"] == row["p"] >= test.pvalue


def test_what_each_chose(replicates: list[RunFolder]) -> None:
    filled = TABLES["replicate-choices"].build(*read(replicates))
    conv = filled.frame[filled.frame["architecture"] == "Convolutional"]
    assert list(conv["replicate"]) == [f"replicate-0{number}" for number in range(1, 9)]
    assert list(conv["again"]) == [6, 6, 6, 0, 6, 6, 6, 6]
    assert list(conv["lr"]) == [0.0316] * 3 + [0.1] + [0.0316] * 4
    assert list(conv["val_percent"])[2:4] == pytest.approx([90, 95])
    assert "0 of 7" in str(filled)


def test_four_splits_once_each_do_not_tell_the_search_from_the_split(replicates: list[RunFolder]) -> None:
    filled = TABLES["replicate-sources"].build(*read(replicates[:4]))
    conv = filled.frame.iloc[0]
    assert conv["joint"]
    within = np.var(CONV[:4], axis=1, ddof=1).mean()
    assert conv["search"] == pytest.approx(np.mean(CONV[:4], axis=1).var(ddof=1) - within / 3)
    assert "in search" in str(filled)
    assert "search is both. A fifth replicate of the same command does." in " ".join(filled.notes)


def test_negative_estimates_are_shown_as_nothing_and_said(make_folder: Callable[..., RunFolder]) -> None:
    folders = [write(make_folder, number) for number in (1, 4)]  # Means of 92 and 93, within 1 point of each other.
    filled = TABLES["replicate-sources"].build(*read(folders))
    ours = filled.frame.iloc[1]
    assert ours["search"] == pytest.approx(np.var([92, 85], ddof=1) - (16 + 1) / 2 / 3)
    low = [write(make_folder, number) for number in (6, 2)]  # Invariant 84 and 85, seeds 4 and 5 apart.
    filled = TABLES["replicate-sources"].build(*read(low))
    assert filled.frame.iloc[1]["search"] == pytest.approx(0.5 - 20.5 / 3)
    assert filled.cells.loc[1, "search"] == "0.00 (0 %)"
    assert f"Invariant: a negative estimate of variance is shown as 0: search {0.5 - 20.5 / 3:.2g}" in " ".join(
        filled.notes
    )


def test_unfinished_ones_and_strangers_are_left_out_and_named(replicates: list[RunFolder]) -> None:
    replicates[5].trials.pop()  # Its last rerun has not begun.
    replicates[7].spec["samples"] = 128
    replicates[6].spec["seed"] = 0  # That of the first.
    filled = TABLES["replicates"].build(*read(replicates))
    assert list(filled.frame["searches"]) == [6, 5]
    assert list(filled.frame["of"]) == [5, 5]
    notes = " ".join(filled.notes)
    assert "not all reruns have ended by themselves: replicate-06 (invariant: 2 of 3)" in notes
    assert "No replicates of these, and left out: replicate-07, replicate-08." in notes
    assert list(TABLES["replicate-pairs"].build(*read(replicates)).frame["searches"]) == [5]


@pytest.mark.parametrize("name", ["replicates", "replicate-sources", "replicate-pairs", "replicate-choices"])
def test_one_run_has_no_replicates(name: str, full: RunFolder) -> None:
    filled = TABLES[name].build(read_run(full.write()))
    assert not len(filled.frame)
    assert "There are no replicates" in filled.notes[0]
    assert "There are no replicates" in str(filled)


def test_predictions_that_were_not_kept_leave_the_images_out(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    _, record, _ = replicates[0].trials[-1]
    del record["predictions"]
    filled = TABLES["replicate-sources"].build(*read(replicates))
    assert list(filled.frame["images"].isna()) == [False, True]
    assert "Invariant: the images' part is not known" in " ".join(filled.notes)
