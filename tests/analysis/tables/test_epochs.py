"""The last epoch against the last five, in the tables."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.records.schema import make_records
from analysis.report.summary import summarize
from analysis.tables import TABLES
from spaces import UserError
from tests.analysis.conftest import RunFolder
from tests.results.committed import RESULTS, committed

STEPS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.90, 0.91, 0.80, 0.92)  # Then the last epoch: five of ten, the third a dip.


@pytest.fixture
def ten(folder: RunFolder) -> RunFolder:
    """Two networks with five seeds of ten epochs each; conv's last epochs are 93 to 97, invariant's all three lower."""
    folder.spec.update(samples=None, rerun_seeds=5, rerun_epochs=10)
    for name, lower in (("conv", 0.0), ("invariant", 0.03)):
        for seed in range(1, 6):
            curve = [accuracy - lower + seed / 1000 for accuracy in (*STEPS, 0.92 + seed / 100)]
            folder.rerun(name, [*curve], "completed", seed=seed)
    return folder


def test_the_last_epochs_beside_the_last_one(ten: RunFolder) -> None:
    row = make_records(TABLES["epochs"].build(read_run(ten.write())).frame)[0]
    assert row["final"] == pytest.approx(95.3)
    assert row["mean"] == pytest.approx((90 + 91 + 80 + 92 + 95) / 5 + 0.3)
    assert row["dips"] == pytest.approx(2 / 5)  # 90 and 80 of 90, 91, 80, 92 and a last one above 92.
    assert row["low"] < row["mean"] < row["high"]


def test_a_diverged_seed_is_in_no_mean_of_this_table(ten: RunFolder) -> None:
    what = "The means of this table are of the finished seeds only"
    assert what not in str(TABLES["epochs"].build(read_run(ten.write())))
    ten.rerun("conv", [None], "diverged", seed=6, status="diverged")
    filled = TABLES["epochs"].build(read_run(ten.write()))
    assert make_records(filled.frame)[0]["final"] == pytest.approx(95.3)
    assert what in " ".join(filled.notes)


def test_the_interval_spans_that_of_the_last_five_and_a_judge_takes_their_mean(ten: RunFolder) -> None:
    run = read_run(ten.write())
    final, five = (gather([run], judge=judge).candidates[0].reruns for judge in ("final", "last5"))
    assert five.accuracies.mean() == pytest.approx(89.9)
    assert final.summary.mean == pytest.approx(95.3)
    assert final.summary.low == pytest.approx(five.summary.low)
    assert final.summary.high > 95.3 > five.summary.high
    assert (
        "Mean test accuracy in percent after epochs 6 to 10"
        in TABLES["1.3"].fill(gather([run], judge="last5")).notes[0]
    )


def test_the_run_says_by_what_it_is_judged(ten: RunFolder) -> None:
    ten.spec.update(judge="last5", format=2)
    run = read_run(ten.write())
    assert gather([run]).candidates[0].reruns.judge == "last5"
    assert gather([run], judge="final").candidates[0].reruns.judge == "final"


def test_short_trainings_have_no_end_to_look_at(five: RunFolder) -> None:
    """Of four epochs the last four are all there is."""
    reruns = gather([read_run(five.write())]).candidates[0].reruns
    assert not reruns.is_followed
    assert "joined" not in str(TABLES["ranking"].build(read_run(five.path)))


def test_shorter_reruns_have_fewer_last_epochs(five: RunFolder) -> None:
    notes = TABLES["epochs"].build(read_run(five.write())).notes
    assert "of the last 4 epochs of each seed" in notes[0]
    assert "sees 4 times as many epochs" in notes[0]


def test_an_unknown_judge_is_refused(five: RunFolder) -> None:
    with pytest.raises(UserError, match="judge: 'last' is unknown; did you mean last5"):
        gather([read_run(five.write())], judge="last")


def test_the_report_says_the_interval_that_the_tables_show(tmp_path: Path) -> None:
    """Of the learned kernels, computed from the records by SciPy, without this code."""
    run = committed(RESULTS / "table-1.4-mnist", tmp_path)
    assert "98.70 to 98.98" in str(TABLES["ranking"].build(run))
    assert "98.84 % over 10 seeds, 95 % CI 98.70 to 98.98" in summarize(gather([run])).answer[0]


def test_the_committed_run_of_table_1_4_depends_on_the_epoch(tmp_path: Path) -> None:
    """Counted by SciPy's tests and Holm's correction by hand, without this code."""
    run = committed(RESULTS / "table-1.4-mnist", tmp_path)
    said = " ".join(TABLES["pairs"].build(run).notes)
    assert "differ after each of the last 5 epochs is 20, 20, 21, 19, 24; by the means of these epochs: 25." in said


def test_dct_in_the_committed_run_of_table_1_4_is_lower_over_five_epochs(tmp_path: Path) -> None:
    """Read from its records without this code: t's intervals are 98.29 to 98.61 and 98.15 to 98.45, joined below."""
    run = committed(RESULTS / "table-1.4-mnist", tmp_path)
    rows = TABLES["epochs"].build(run).frame.set_index("group")
    shown = [rows.at["Learned 3 DCT coeffs (e)", name] for name in ("mean", "std", "final", "final_std")]
    assert shown == pytest.approx([98.299, 0.208, 98.453, 0.223], abs=0.0006)
    assert "98.15 to 98.61" in str(TABLES["ranking"].build(run))


def test_where_only_the_last_epoch_was_kept_that_is_said(tmp_path: Path) -> None:
    whole = committed(RESULTS / "mnist-published-theta", tmp_path)
    run = replace(whole, epochs=whole.epochs[whole.epochs["epoch"] == 20])
    assert TABLES["epochs"].build(run).notes == [
        "No network can be followed: no run kept the last 5 epochs of its reruns."
    ]
    with pytest.raises(UserError, match=r"judge: last5 needs the last 5 epochs, and .* kept only the last; use final"):
        TABLES["pairs"].fill(gather([run], judge="last5"))
