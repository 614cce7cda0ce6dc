import pytest

from benchmarks.common.report import Report, describe_target, format_times


@pytest.mark.parametrize(
    ("value", "target", "sign", "expected"),
    [
        (27.0, 27, ">=", "target >= 27, met"),
        (26.9, 27, ">=", "target >= 27, missed"),
        (1.0, 1, ">", "target > 1, missed"),
        (5.0, None, ">=", "-"),
    ],
)
def test_a_target_is_met_or_missed(value, target, sign, expected):
    assert describe_target(value, target, sign) == expected


def test_ratios_keep_three_digits():
    assert [format_times(ratio) for ratio in (0.1234, 9.999, 27.04)] == ["0.123x", "10x", "27x"]


def test_a_report_says_where_its_numbers_come_from():
    report = Report("Title", "benchmarks.some")
    report.table("Ratios", [{"": "row", "ratio": "2x"}])
    text = str(report)
    for expected in (
        "# Title",
        "python -m benchmarks.some",
        "- date: ",
        "- machine: ",
        "- caches: ",
        "- instruction set: ",
        "torch ",
    ):
        assert expected in text
    assert "| row | 2x      |" in text
