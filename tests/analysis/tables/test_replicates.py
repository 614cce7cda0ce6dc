"""Tables ``replicates``, ``replicate-pairs`` and ``replicate-choices``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.render.formats import FORMATS
from analysis.report.summary import summarize
from analysis.report.text_tables import REPLICATED, SOURCES
from analysis.tables import TABLES
from tests.analysis.conftest import RunFolder, keep_predictions
from tests.analysis.tables.conftest import CONV, OURS, read_replicates


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("number", REPLICATED)
def test_every_table_in_every_format(replicates: list[RunFolder], number: str, name: str) -> None:
    table = TABLES[number].build(*read_replicates(replicates))
    text = FORMATS[name](table)
    assert len(table.cells) == len(table.frame) > 0
    assert all(title in text for title in ("Convolutional", "Invariant"))
    assert "nan" not in text.lower()


def test_a_run_with_another_judge_is_told_of(replicates: list[RunFolder], make_folder: Any) -> None:
    for folder in replicates:
        folder.spec["judge"] = "last5"
    other = read_run(make_folder("other").write())
    for number in REPLICATED:
        alone = TABLES[number].build(*read_replicates(replicates))
        beside = TABLES[number].build(*read_replicates(replicates), other)
        told = [note for note in beside.notes if note.startswith("These runs have different judges")]
        assert (len(told), len(alone.frame)) == (1, len(beside.frame))
        assert not [note for note in alone.notes if "different judges" in note]


def test_the_mean_rests_on_splits(replicates: list[RunFolder]) -> None:
    filled = TABLES["replicates"].build(*read_replicates(replicates))
    conv, ours = filled.frame.to_dict("records")
    assert (conv["architecture"], conv["searches"], conv["splits"], conv["seeds"]) == ("Convolutional", 8, 4, 3)
    means = np.mean(CONV, axis=1)
    by_split = (means[:4] + means[4:]) / 2
    interval = scipy.stats.ttest_1samp(by_split, 0).confidence_interval(0.95)
    assert (conv["mean"], conv["low"], conv["high"]) == pytest.approx((means.mean(), *interval))
    assert (conv["lowest"], conv["highest"], conv["std"]) == pytest.approx((85, 96, means.std(ddof=1)))
    assert (conv["wins"], ours["wins"], conv["of"]) == (4, 3, 8)  # The fourth replicate is a tie.
    assert "8 searches end to end with different seeds, over 4 splits" in filled.notes[0]
    # Those of the first, fourth and eighth hold 91.125, and the seventh has none, as its seeds are alike.
    tests: list[Any] = [scipy.stats.ttest_1samp(seeds, means.mean()) for seeds in CONV if len({*seeds}) > 1]
    own = [test.pvalue > 0.05 for test in tests]
    assert f"Convolutional {sum(own)} of 7, Invariant" in filled.notes[1]


def test_other_images_widen_the_interval(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    conv = TABLES["replicates"].build(*read_replicates(replicates)).frame.iloc[0]
    assert conv["both_low"] < conv["low"] < conv["high"] < conv["both_high"]


def test_one_split_has_no_interval(replicates: list[RunFolder]) -> None:
    """Two searches that differ in their seeds alone: the first and the fifth have the same split."""
    runs = read_replicates([replicates[0], replicates[4]])
    for number in ("replicates", "replicate-pairs"):
        filled = TABLES[number].build(*runs)
        assert filled.frame[["low", "high"]].isna().all(axis=None)
        assert {*filled.cells["95 % CI"]} == {"-"}


def test_with_one_split_nothing_is_said_of_several(replicates: list[RunFolder]) -> None:
    runs = read_replicates([replicates[0], replicates[4]])
    design, pairs = (" ".join(TABLES[name].build(*runs).notes) for name in ("replicates", "replicate-pairs"))
    assert "over 1 split of training and held-out images. mean: over the searches. Searches of one split may" in design
    assert "No pair was tested." in pairs
    assert "Student" not in design + pairs
    assert "Holm-corrected" not in pairs
    said = " ".join(summarize(gather(runs)).sentences)
    # 92, 94 and 86, 85.
    assert "Over 2 searches, each with other seeds, Convolutional has the highest mean test accuracy: 93.00 %" in said
    assert "Within a replicate it has +7.50 points more than Invariant." in said


def test_where_no_replicate_has_two_whole_networks_none_is_ahead(replicates: list[RunFolder]) -> None:
    for folder in replicates[:3]:
        trial, *_ = folder.trials.pop()
        folder.rerun("invariant", [0.1], "failed", theta=trial.theta, seed=trial.seed, status="failed", error="x")
    runs = read_replicates(replicates[:3])
    said = " ".join(summarize(gather(runs)).sentences)
    # 92, 88 and 96.
    assert (
        "Over 3 searches, each with other seeds and held-out images, Convolutional has a mean test accuracy of" in said
    )
    assert "accuracy of 92.00 %" in said
    assert "highest mean test accuracy: " not in said
    assert "ahead in" not in said
    assert TABLES["replicate-pairs"].build(*runs).notes[0] == (
        "Of 3 replicates fewer than two have all reruns of the same two networks."
    )


def test_pairs_are_compared_within_each_replicate(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    (row,) = TABLES["replicate-pairs"].build(*read_replicates(replicates)).frame.to_dict("records")
    differences = np.mean(CONV, axis=1) - np.mean(OURS, axis=1)
    by_split = (differences[:4] + differences[4:]) / 2
    test: Any = scipy.stats.ttest_1samp(by_split, 0)
    interval = test.confidence_interval(0.95)
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((differences.mean(), *interval))
    assert (row["ahead"], row["behind"], row["searches"]) == (4, 3, 8)
    assert row["both_low"] <= row["low"]
    assert row["p_holm"] == row["p"] >= test.pvalue


def test_what_each_chose(replicates: list[RunFolder]) -> None:
    filled = TABLES["replicate-choices"].build(*read_replicates(replicates))
    conv = filled.frame[filled.frame["architecture"] == "Convolutional"]
    assert list(conv["replicate"]) == [f"replicate-0{number}" for number in range(1, 9)]
    assert list(conv["again"]) == [6, 6, 6, 0, 6, 6, 6, 6]
    assert list(conv["lr"]) == [0.0316] * 3 + [0.1] + [0.0316] * 4
    assert list(conv["val_percent"])[2:4] == pytest.approx([90, 95])
    assert "0 of 7" in str(filled)


def test_unfinished_ones_and_strangers_are_left_out_and_named(replicates: list[RunFolder]) -> None:
    replicates[5].trials.pop()  # Its last rerun has not begun.
    replicates[7].spec["samples"] = 128
    replicates[6].spec["seed"] = 3  # That of a rerun of the first.
    filled = TABLES["replicates"].build(*read_replicates(replicates))
    assert list(filled.frame["searches"]) == [6, 5]
    assert list(filled.frame["of"]) == [5, 5]
    notes = " ".join(filled.notes)
    assert "not all reruns have ended by themselves: replicate-06 (invariant: 2 of 3)" in notes
    assert "as seeds of their sweep, race or reruns are those of another replicate: replicate-07. " in notes
    assert "No replicates of these, and left out: replicate-08." in notes
    assert list(TABLES["replicate-pairs"].build(*read_replicates(replicates)).frame["searches"]) == [5]


@pytest.mark.parametrize(("seed", "found"), [(0, 0), (3, 0), (4, 0), (5, 2), (99_998, 0), (100_001, 0), (100_009, 2)])
def test_no_two_share_a_seed(replicates: list[RunFolder], seed: int, found: int) -> None:
    """The first has 0 for its sweep, 1 to 3 for its reruns and 100,001 to 100,005 for its race."""
    for folder in replicates[:2]:
        folder.spec |= {"finalists": 2, "choice_seeds": 5}
    replicates[1].spec["seed"] = seed
    filled = TABLES["replicates"].build(*read_replicates(replicates[:2]))
    assert ("Left out, as seeds of their" in " ".join(filled.notes)) == (found == 0)
    assert ("There are no replicates" in filled.notes[0]) == (found == 0)


def test_images_are_of_the_same_seeds_as_the_mean(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    folder = replicates[2]
    index, trial = next((i, trial) for i, (trial, *_) in enumerate(folder.trials) if trial.phase == "rerun")
    del folder.trials[index]
    folder.rerun("conv", [0.5, 0.6, 0.7, None], "diverged", theta=trial.theta, seed=trial.seed)
    both = TABLES["replicates"].build(*read_replicates(replicates)).frame["both_low"]
    assert list(both.isna()) == [True, False]
    filled = TABLES["replicate-sources"].build(*read_replicates(replicates))
    assert list(filled.frame["images"].isna()) == [True, False]
    assert "predictions of all seeds after the last epoch" in " ".join(filled.notes)


@pytest.mark.parametrize("name", ["replicates", "replicate-sources", "replicate-pairs", "replicate-choices"])
def test_one_run_has_no_replicates(name: str, full: RunFolder) -> None:
    filled = TABLES[name].build(read_run(full.write()))
    assert not len(filled.frame)
    assert "There are no replicates" in filled.notes[0]
    assert "There are no replicates" in str(filled)


def test_the_summary_of_a_report_speaks_of_all_searches_together(replicates: list[RunFolder]) -> None:
    for folder in replicates:
        keep_predictions(folder)
    runs = read_replicates(replicates)
    said = " ".join(summarize(gather(runs)).sentences)
    row = TABLES["replicates"].build(*runs).frame.iloc[0]
    best = "Over 8 searches, each with other seeds and held-out images, Convolutional has the highest mean"
    between = f"95 % CI {row['both_low']:.2f} to {row['both_high']:.2f}"
    assert f"{best} test accuracy: 91.12 % ({between}), by search 85.00 to 96.00; it was ahead in 4 of 8." in said
    assert "Within a replicate it has +2.88 points more than Invariant (95 % CI " in said
    assert "It is not compared" not in said
    assert "found by one of 8 searches with one seed" in said
    replicates[7].spec["samples"] = 128  # Of another experiment.
    assert "Over 7 searches" not in " ".join(summarize(gather(read_replicates(replicates))).sentences)


def test_the_report_has_them_where_there_are_any(replicates: list[RunFolder]) -> None:
    runs = read_replicates(replicates[:2])
    assert all(SOURCES[name](gather(runs)) is not None for name in REPLICATED)
    assert all(SOURCES[name](gather(runs[:1])) is None for name in REPLICATED)
