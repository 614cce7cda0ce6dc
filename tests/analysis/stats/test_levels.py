import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.levels import BINS, MOST, make_levels


def test_a_grid_is_its_own_levels_in_order() -> None:
    named = make_levels(pd.Series([1.0, 0.0316, 0.1, 1.0]))
    assert list(named.cat.categories) == ["0.0316", "0.1", "1.0"]
    assert list(named) == ["1.0", "0.0316", "0.1", "1.0"]


def test_bins_that_round_alike_have_names_of_their_own() -> None:
    named = make_levels(pd.Series(np.linspace(0.891, 0.9, 40)))
    assert len(set(named.cat.categories)) == BINS


@given(st.lists(st.floats(1e-4, 10), min_size=MOST + 1, max_size=60, unique=True))
def test_a_range_becomes_bins_that_hold_everything(values) -> None:
    named = make_levels(pd.Series(values))
    assert named.notna().all()
    assert 1 <= len(named.cat.categories) <= BINS
