import math

import pytest

from analysis.tables.table import format_least


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.004, "< 0.01"), (0.005, "0.01"), (0.006, "0.01"), (0.0, "0.00"), (1.239, "1.24"), (math.nan, "-")],
)
def test_a_number_above_zero_never_reads_as_zero(value, text) -> None:
    assert format_least(value, 2) == text
