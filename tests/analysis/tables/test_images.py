"""Tables ``images`` and ``image-pairs``."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.tables import TABLES
from analysis.tables.images import say_if_images_matter
from tests.analysis.conftest import keep_predictions


def test_the_errors_of_each_network(five) -> None:
    keep_predictions(five)
    filled = TABLES["images"].build(read_run(five.write()))
    conv, invariant = filled.frame.to_dict("records")
    assert (conv["mean"], conv["std"], conv["n"], conv["asked"], conv["images"]) == (92, 2, 5, 5, 100)
    assert conv["single"] == pytest.approx(math.sqrt(92 * 8 / 100))
    assert conv["by_seeds"] == pytest.approx(2 / math.sqrt(5))
    assert invariant["by_seeds"] == pytest.approx(math.sqrt(7 / 5))
    # Of conv's images 6 are wrong for all seeds, 2 for 3 of 5, 2 for 2, and 90 for none.
    shares = np.repeat([0, 40, 60, 100], [6, 2, 2, 90])
    assert conv["by_images"] == pytest.approx(shares.std(ddof=1) / 10)
    assert conv["low"] < 92 - 2.776 * conv["by_seeds"]
    assert not any("not kept" in note for note in filled.notes)


def test_a_pair_on_the_same_images(five) -> None:
    keep_predictions(five)
    run = read_run(five.write())
    (row,) = TABLES["image-pairs"].build(run).frame.to_dict("records")
    assert row["difference"] == pytest.approx(10)
    pairs = TABLES["pairs"].build(run).frame.iloc[0]
    assert (row["seeds_low"], row["seeds_high"]) == (pairs["low"], pairs["high"])
    assert row["low"] <= row["seeds_low"]
    assert 5 < row["images_low"] < 10 < row["images_high"] < 16
    # Wrong images are nested, so 12, 11, 9, 7 and 11 images speak for conv and none against it: p = 2 / 2^n.
    assert (row["mcnemar_differ"], row["mcnemar_pairs"]) == (5, 5)
    assert row["mcnemar_p"] == pytest.approx(2 / 2**11)
    assert row["differs"]


def test_a_run_from_before_says_so_and_gets_an_upper_limit(five) -> None:
    run = read_run(five.write())
    filled = TABLES["image-pairs"].build(run)
    (row,) = filled.frame.to_dict("records")
    assert "Predictions were not kept (the run is from before" in " ".join(filled.notes)
    assert "Convolutional, Invariant" in " ".join(filled.notes)
    assert math.isnan(row["images_low"])
    assert row["mcnemar_pairs"] == 0
    keep_predictions(five)
    (kept,) = TABLES["image-pairs"].build(read_run(five.write())).frame.to_dict("records")
    assert row["high"] - row["low"] > kept["high"] - kept["low"]


def test_lost_and_few_seeds_are_not_tested(five, full) -> None:
    del five.trials[-2:]
    keep_predictions(five)
    filled = TABLES["image-pairs"].build(read_run(five.write()))
    assert math.isnan(filled.frame["p"][0])
    assert "Not tested, since a test takes 5 finished seeds: Convolutional and Invariant." in filled.notes
    five.rerun("conv", [0.5, None], "diverged", theta=five.trials[-1][0].theta, seed=9, status="diverged")
    filled = TABLES["image-pairs"].build(read_run(five.write()))
    assert "Not tested, since seeds broke down: Convolutional and Invariant." in filled.notes
    assert "1 diverged" in " ".join(filled.notes)


@pytest.mark.parametrize("last", [0.1, None])
def test_where_seeds_broke_down_no_interval_is_given(five, last) -> None:
    """A sixth seed of conv collapsed, or diverged: Student's t describes neither."""
    keep_predictions(five)
    end = "completed" if last else "diverged"
    five.rerun("conv", [0.1, 0.1, 0.1, last], end, theta=five.trials[-1][0].theta, seed=9, status=end)
    filled = TABLES["images"].build(read_run(five.write()))
    conv, invariant = filled.frame.to_dict("records")
    assert conv["mean"] == pytest.approx((5 * 92 + 10) / 6 if last else 92)
    assert math.isnan(conv["low"])
    assert conv["by_both"] >= conv["by_seeds"] > 0
    assert invariant["low"] < 82 < invariant["high"]
    assert ("The means of this table are of the finished seeds only" in " ".join(filled.notes)) == (last is None)
    pairs = TABLES["image-pairs"].build(read_run(five.path))
    assert math.isnan(pairs.frame["p"][0])
    assert "Not tested, since seeds broke down: Convolutional and Invariant." in pairs.notes


def test_nothing_to_show(folder) -> None:
    folder.sweep("conv", [0.1, 0.2, 0.3, 0.4], "completed")
    run = read_run(folder.write())
    assert TABLES["images"].build(run).cells.empty
    assert "No rerun has finished yet" in " ".join(TABLES["images"].build(run).notes)
    assert "Fewer than two architectures" in " ".join(TABLES["image-pairs"].build(run).notes)
    assert say_if_images_matter(gather([run])) == []


def test_an_unknown_number_of_images_leaves_the_seeds(folder) -> None:
    for seed in range(5):
        for name in ("conv", "invariant"):
            folder.rerun(name, [0.5, 0.5, 0.5, 0.5 + seed / 10], "completed", seed=seed)
    run = read_run(folder.write())
    (conv, _) = TABLES["images"].build(run).frame.to_dict("records")
    assert conv["by_seeds"] > 0
    assert math.isnan(conv["single"])
    notes = TABLES["image-pairs"].build(run).notes
    assert "How many test images there are is not on record: Convolutional, Invariant." in notes


def test_the_sentence_for_other_tables(five) -> None:
    keep_predictions(five)
    (said,) = say_if_images_matter(gather([read_run(five.write())]))
    assert "1 of 1 pair differ" in said
