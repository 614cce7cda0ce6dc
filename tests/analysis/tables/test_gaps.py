"""The published differences, and what conclusions rest on, on the committed runs."""

import pytest

from analysis.evidence import gather
from analysis.records.reader import Run, read_run
from analysis.records.schema import make_records
from analysis.tables import TABLES
from tests.analysis.conftest import RunFolder
from tests.results.committed import RESULTS, committed


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scratch = tmp_path_factory.mktemp("runs")
    names = {"1.3": "table-1.4-mnist", "1.4": "table-1.4-mnist-reduced"}
    return {number: committed(RESULTS / name, scratch) for number, name in names.items()}


def test_the_gap_and_the_least_margins_of_table_1_3(runs: dict[str, Run]) -> None:
    """Computed from the records by SciPy, without this code."""
    gap, *_ = make_records(TABLES["gaps"].build(runs["1.3"]).frame)
    assert (gap["first"], gap["second"]) == ("Convolutional", "Invariant")
    found = [gap[name] for name in ("ours", "published", "difference", "low", "high")]
    assert found == pytest.approx([0.806, 0.7, 0.106, -0.259, 0.471], abs=0.0006)
    least = TABLES["assumptions"].build(runs["1.3"]).frame.set_index("group")["least_margin"]
    assert least[["Convolutional", "Invariant"]].tolist() == pytest.approx([0.445, 0.685], abs=0.0006)
    for margin, concluded in ((0.4, ("differs", "inconclusive")), (0.7, ("close but different", "reproduced"))):
        rows = TABLES["published"].fill(gather([runs["1.3"]], margin)).frame.set_index("group")["conclusion"]
        assert tuple(rows[["Convolutional", "Invariant"]]) == concluded


def test_holm_leaves_two_of_five_cells_of_table_1_4(runs: dict[str, Run]) -> None:
    rows = make_records(TABLES["assumptions"].build(runs["1.4"]).frame)
    close = ("reproduced", "close but different")
    assert sum(row["conclusion"] in close for row in rows) == 5
    assert [row["group"] for row in rows if row["corrected"] in close] == ["Convolutional", "Learned 3 DCT coeffs (e)"]
    wide = next(row for row in rows if row["group"] == "Wide Convolutional")
    assert wide["conclusion"] == "close but different"
    notes = " ".join(TABLES["1.4"].build(runs["1.4"]).notes)
    assert "of the published mean: Convolutional, Learned 3 DCT coeffs (e)." in notes


def test_every_pair_of_published_networks_has_a_gap(runs: dict[str, Run]) -> None:
    frame = TABLES["gaps"].build(runs["1.4"]).frame
    assert len(frame) == 28
    assert frame["holds"].between(0, 5).all()


def test_without_published_numbers_there_are_no_gaps(five: RunFolder) -> None:
    run = read_run(five.write())
    assert "No two networks with published numbers" in TABLES["gaps"].build(run).notes[0]
    assert "No network" in TABLES["assumptions"].build(run).notes[0]
