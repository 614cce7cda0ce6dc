"""Table ``replicate-sources``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis.tables import TABLES
from tests.analysis.conftest import RunFolder, keep_predictions
from tests.analysis.tables.conftest import CONV, read_replicates, write_replicate


def test_the_variance_is_split(replicates: list[RunFolder]) -> None:
    means = np.mean(CONV, axis=1)
    by_split = (means[:4] + means[4:]) / 2
    filled = TABLES["replicate-sources"].build(*read_replicates(replicates))
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


def test_images_that_are_hard_for_all_are_a_part_of_their_own(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    conv = TABLES["replicate-sources"].build(*read_replicates(replicates)).frame.iloc[0]
    # Image i is wrong for whoever has more than i wrong, out of 100: two-way analysis of variance of splits x images.
    right = 100.0 * (np.arange(100) >= 100 - np.array(CONV)[..., None]).mean(axis=1)
    table = (right[:4] + right[4:]) / 2
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    residual = (rest**2).sum() / (3 * 99)
    images = table.mean(axis=0).var(ddof=1) / 100
    assert conv["images"] == pytest.approx(images - residual / 400)
    assert conv["all"] == pytest.approx(sum(conv[name] for name in ("split", "search", "seed", "images")))


def test_four_splits_once_each_do_not_tell_the_search_from_the_split(replicates: list[RunFolder]) -> None:
    filled = TABLES["replicate-sources"].build(*read_replicates(replicates[:4]))
    conv = filled.frame.iloc[0]
    assert conv["joint"]
    within = np.var(CONV[:4], axis=1, ddof=1).mean()
    assert conv["search"] == pytest.approx(np.mean(CONV[:4], axis=1).var(ddof=1) - within / 3)
    assert "in search" in str(filled)
    assert "search is both. A fifth replicate of the same command would tell them apart." in " ".join(filled.notes)


def test_one_split_tells_nothing_of_the_split(replicates: list[RunFolder]) -> None:
    notes = TABLES["replicate-sources"].build(*read_replicates([replicates[0], replicates[4]])).notes
    assert notes[1].startswith("All searches have one split, so what the split does is not known")
    assert not any(
        "All searches" in note for note in TABLES["replicate-sources"].build(*read_replicates(replicates)).notes
    )


def test_one_rerun_a_search_tells_nothing_apart(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
        folder.spec["rerun_seeds"] = 1
        folder.trials = [trial for trial in folder.trials if trial[0].seed <= folder.spec["seed"] + 1]
    filled = TABLES["replicate-sources"].build(*read_replicates(replicates))
    assert filled.frame[["search", "seed", "all", "images_share"]].isna().all(axis=None)
    assert "Convolutional: with one rerun a search" in " ".join(filled.notes)
    assert "Degrees of freedom" not in " ".join(filled.notes)


def test_negative_estimates_are_shown_as_nothing_and_said(make_folder: Callable[..., RunFolder]) -> None:
    folders = [write_replicate(make_folder, number) for number in (1, 4)]
    filled = TABLES["replicate-sources"].build(*read_replicates(folders))
    ours = filled.frame.iloc[1]
    assert ours["search"] == pytest.approx(np.var([92, 85], ddof=1) - (16 + 1) / 2 / 3)
    low = [write_replicate(make_folder, number) for number in (6, 2)]  # Invariant 84 and 85, seeds 4 and 5 apart.
    filled = TABLES["replicate-sources"].build(*read_replicates(low))
    assert filled.frame.iloc[1]["search"] == pytest.approx(0.5 - 20.5 / 3)
    assert filled.cells.loc[1, "search"] == "0.00 (0 %)"
    assert f"Invariant: a negative estimate of variance is shown as 0: search {0.5 - 20.5 / 3:.2g}" in " ".join(
        filled.notes
    )


def test_predictions_that_were_not_kept_leave_the_images_out(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    _, record, _ = replicates[0].trials[-1]
    del record["predictions"]
    filled = TABLES["replicate-sources"].build(*read_replicates(replicates))
    assert list(filled.frame["images"].isna()) == [False, True]
    assert "Invariant: the images' part is not known" in " ".join(filled.notes)
