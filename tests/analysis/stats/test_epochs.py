import math

import numpy as np
import pandas as pd
import pytest

from analysis.stats.epochs import count_holding, measure_dips


def compared(*signs: float) -> pd.DataFrame:
    """Pairs that differ by the sign, or do not; NaN: not tested."""
    return pd.DataFrame(
        {"difference": signs, "differs": [abs(sign) == 1 for sign in signs], "p": [sign * 0 for sign in signs]}
    )


def test_a_conclusion_holds_where_it_is_the_same_with_the_same_sign() -> None:
    judged = compared(1, 1, 0.5, -1)
    epochs = [compared(1, 0.5, -0.5, -1), compared(1, 1, 1, 1), compared(-1, 1, 0.1, -1)]
    assert list(count_holding(judged, epochs)) == [2, 2, 2, 2]
    assert list(count_holding(judged, [judged])) == [1, 1, 1, 1]


def test_what_was_not_tested_or_followed_has_no_count() -> None:
    assert math.isnan(count_holding(compared(math.nan), [compared(1.0)])[0])
    assert math.isnan(count_holding(compared(1.0), [])[0])


def test_dips_are_counted_below_a_seeds_own_median() -> None:
    """A seed that is low throughout does not dip; the other lies half a point below 97 after two of five."""
    last = pd.DataFrame([[90.0, 90.1, 90.0, 90.2, 90.0], [97.0, 96.0, 97.1, 96.4, 97.0]])
    assert measure_dips(last, 0.5) == pytest.approx(0.2)
    assert measure_dips(last, 2.0) == 0
    assert math.isnan(measure_dips(last.iloc[:0], 0.5))


def test_the_share_of_dips_is_the_one_that_was_put_in() -> None:
    rng = np.random.default_rng(0)
    dips = rng.random((2000, 5)) < 0.1
    found = measure_dips(pd.DataFrame(rng.normal(90, 0.1, (2000, 1)) + rng.normal(0, 0.05, (2000, 5)) - dips), 0.5)
    assert found == pytest.approx(0.1, abs=0.01)  # But for seeds with three dips in five, which are one in a hundred.
