"""Divergence is an outcome: success rates, and who is ahead where seeds broke down."""

import pytest

from analysis.records.reader import read_run
from analysis.records.schema import make_records
from analysis.tables import TABLES
from tests.analysis.conftest import THETA, RunFolder


@pytest.fixture
def broken(folder: RunFolder) -> RunFolder:
    """Ten seeds each: of conv three diverged and one collapsed, the rest near 97; of invariant all near 96."""
    folder.spec.update(samples=None, rerun_seeds=10, classes=10)
    for seed in range(1, 11):
        folder.rerun("invariant", [0.5, 0.6, 0.7, 0.96 + seed / 10_000], "completed", seed=seed)
        if seed < 4:
            folder.rerun("conv", [0.5, None], "diverged", seed=seed, status="diverged")
        else:
            folder.rerun("conv", [0.5, 0.6, 0.7, 0.2 if seed == 4 else 0.97 + seed / 10_000], "completed", seed=seed)
    return folder


def test_what_became_of_the_seeds(broken: RunFolder) -> None:
    filled = TABLES["outcomes"].build(read_run(broken.write()))
    conv, invariant = make_records(filled.frame)
    assert [conv[name] for name in ("asked", "ended", "succeeded", "diverged", "collapsed", "failed")] == [
        10,
        10,
        6,
        3,
        1,
        0,
    ]
    assert conv["good_mean"] == pytest.approx(97.075)
    assert conv["mean"] == pytest.approx((6 * 97.075 + 20 + 3 * 10) / 10)
    assert conv["low"] < conv["mean"] < conv["high"]
    assert (invariant["rate"], invariant["rate_high"]) == (1, pytest.approx(1))
    assert "Fisher's exact test, Holm-corrected over 1 pair" in " ".join(filled.notes)


def test_who_breaks_down_is_ranked_by_all_of_its_seeds(broken: RunFolder) -> None:
    run = read_run(broken.write())
    ranking = TABLES["ranking"].build(run)
    assert list(ranking.frame["group"]) == ["Invariant", "Convolutional"]  # Though conv's successes are better.
    (pair,) = make_records(TABLES["pairs"].build(run).frame)
    assert pair["untested"] == ""
    assert pair["p"] == pair["p_holm"] > 0
    assert pair["g"] != pair["g"]
    assert "tested by a permutation test instead" in " ".join(ranking.notes)


def test_a_seed_that_failed_is_no_outcome(broken: RunFolder) -> None:
    broken.spec["rerun_seeds"] = 11
    broken.rerun("conv", [0.5], "failed", theta=THETA, seed=11, status="failed", error="no disk")
    run = read_run(broken.write())
    assert make_records(TABLES["outcomes"].build(run).frame)[0]["failed"] == 1
    assert "Fisher" not in " ".join(TABLES["outcomes"].build(run).notes)
    assert TABLES["pairs"].build(run).frame["untested"].tolist() == ["seeds were lost"]
