"""The published differences, and what conclusions rest on, on the committed runs."""

from typing import Any

import pandas as pd
import pytest

from analysis.evidence import gather
from analysis.records.reader import Run, read_run
from analysis.records.schema import make_records
from analysis.tables import TABLES
from tests.analysis.conftest import RunFolder
from tests.results.committed import RESULTS, committed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return committed(RESULTS / "table-1.4-mnist", tmp_path_factory.mktemp("runs"))


def test_the_gap_and_the_least_margins_of_table_1_3(run: Run) -> None:
    """Computed from the records by SciPy, without this code."""
    gap, *_ = make_records(TABLES["gaps"].build(run).frame)
    assert (gap["first"], gap["second"]) == ("Convolutional", "Invariant")
    found = [gap[name] for name in ("ours", "published", "difference", "low", "high")]
    assert found == pytest.approx([0.806, 0.7, 0.106, -0.259, 0.471], abs=0.0006)
    least = TABLES["assumptions"].build(run).frame.set_index("group")["least_margin"]
    assert least[["Convolutional", "Invariant"]].tolist() == pytest.approx([0.445, 0.685], abs=0.0006)
    for margin, concluded in ((0.4, ("differs", "inconclusive")), (0.7, ("close but different", "reproduced"))):
        rows = TABLES["published"].fill(gather([run], margin)).frame.set_index("group")["conclusion"]
        assert tuple(rows[["Convolutional", "Invariant"]]) == concluded


def test_holm_leaves_three_of_four_cells_of_table_1_4(run: Run) -> None:
    """By SciPy's tests and Holm's correction by hand, without this code."""
    rows = {row["group"]: row for row in make_records(TABLES["assumptions"].build(run).frame)}
    close = ("reproduced", "close but different")
    assert [name for name, row in rows.items() if row["conclusion"] in close] == [
        "Convolutional",
        "Shifted impulses (a)",
        "Learned 3x3 kernel (d)",
        "Wide Convolutional",
    ]
    assert rows["Learned 3x3 kernel (d)"]["conclusion"] == "close but different"
    kept = [name for name, row in rows.items() if row["corrected"] in close]
    assert kept == ["Shifted impulses (a)", "Learned 3x3 kernel (d)", "Wide Convolutional"]
    assert f"of the published mean: {', '.join(kept)}." in " ".join(TABLES["1.4"].build(run).notes)


def test_every_pair_of_published_networks_has_a_gap(run: Run) -> None:
    frame = TABLES["gaps"].build(run).frame
    count = run.trials.query("phase == 'rerun'")["architecture"].nunique()
    assert len(frame) == count * (count - 1) / 2 >= 21
    assert frame["holds"].between(0, 5).all()


@pytest.mark.parametrize("name", ["published", "assumptions"])
def test_a_copy_is_not_held_against_the_published_numbers(name: str, five: RunFolder, make_folder: Any) -> None:
    five.spec["dataset"] = "mnist"
    copy = make_folder("copy")
    copy.spec, copy.trials = five.spec, five.trials
    runs = read_run(five.write()), read_run(copy.write())
    alone, both = TABLES[name].build(runs[0]), TABLES[name].build(*runs)
    assert list(both.frame["group"]) == ["full: Convolutional", "full: Invariant"]
    of = [column for column in both.frame if column != "group"]
    pd.testing.assert_frame_equal(both.frame[of], alone.frame[of])
    assert "copy: Convolutional shares trials with full: Convolutional" in " ".join(both.notes)


def test_without_published_numbers_there_are_no_gaps(five: RunFolder) -> None:
    run = read_run(five.write())
    assert "No two networks with published numbers" in TABLES["gaps"].build(run).notes[0]
    assert "No network" in TABLES["assumptions"].build(run).notes[0]
