"""Effects of the pairs, and what a report says was not tested."""

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.records.schema import make_records
from analysis.report.summary import UNTESTED, summarize
from analysis.tables import TABLES
from tests.analysis.conftest import RunFolder


def test_the_effects_of_a_pair(five: RunFolder) -> None:
    """Conv 90, 90, 92, 94, 94 against invariant 78, 81, 83, 83, 85: they do not overlap, ten points apart."""
    run = read_run(five.write())
    (row,) = make_records(TABLES["effects"].build(run).frame)
    assert (row["chance"], row["alike"], row["seeds"]) == (1.0, "no", 5.0)
    (alike,) = make_records(TABLES["effects"].fill(gather([run], margin=20.0)).frame)
    assert alike["alike"] == "yes"
    assert alike["least_margin"] < 20


def test_a_report_says_what_was_not_tested(five: RunFolder) -> None:
    said = " ".join(summarize(gather([read_run(five.write())])).details[UNTESTED])
    assert said.startswith("One data set (digits)")
    assert "One engine and instruction set (native 1 avx2)" in said
    assert "the best of 256 configurations" in said
    assert "The networks differ in size:" in said


def test_nothing_that_ended_has_no_limits(folder: RunFolder) -> None:
    assert UNTESTED not in summarize(gather([read_run(folder.write())])).details
