import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats.pairs import compare_pairs
from analysis.stats.ranking import rank_networks

NAMES = ["a", "b", "c", "d", "e"]
SAMPLES = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.integers(0, 1000).map(float), min_size=2, max_size=8), min_size=1
)


def test_a_chain_shares_letters_link_by_link() -> None:
    samples = {name: np.array([mean - 1, mean + 1.0]) for name, mean in zip("abc", (90, 92, 94), strict=True)}
    compared = pd.DataFrame({"first": ["a", "a", "b"], "second": ["b", "c", "c"], "differs": [False, True, False]})
    compared["p"] = 0.5
    ranked = rank_networks(samples, compared)
    assert list(ranked["group"]) == ["c", "b", "a"]
    assert list(ranked["letters"]) == ["a", "ab", "b"]


@settings(max_examples=40)
@given(SAMPLES)
def test_two_share_a_letter_exactly_where_they_were_tested_and_do_not_differ(samples) -> None:
    samples = {name: np.array(values) for name, values in samples.items()}
    compared = compare_pairs(samples)
    ranked = rank_networks(samples, compared)
    letters = dict(zip(ranked["group"], map(set, ranked["letters"]), strict=True))
    for row in compared.to_dict("records"):
        shared = bool(letters[row["first"]] & letters[row["second"]])
        assert shared == (row["p"] == row["p"] and not row["differs"])
    tested = compared[compared["p"].notna()]
    assert {name for name, found in letters.items() if found} == {*tested["first"], *tested["second"]}
    assert list(ranked["mean"]) == sorted(ranked["mean"], reverse=True)
    assert ranked["best"].tolist() == pytest.approx([samples[name].max() for name in ranked["group"]])


def test_who_was_not_tested_has_no_letter_and_keeps_its_row() -> None:
    samples = {
        "a": np.array([1.0, 2.0, 1.5, 1.5, 1.5]),
        "b": np.array([9.0, 9.01, 9.0, 9.01]),
        "c": np.array([]),
        "d": np.array([1.0, 3.0, 2.0, 2.0, 2.0]),
    }
    ranked = rank_networks(samples, compare_pairs(samples))
    assert list(zip(ranked["group"], ranked["letters"], strict=True)) == [("b", ""), ("d", "a"), ("a", "a"), ("c", "")]


def test_two_without_spread_share_no_letter() -> None:
    """Five times 97 against five times 96 is no test, and 95.0 to 95.2 cannot be tested against either."""
    samples = {"a": np.full(5, 97.0), "b": np.full(5, 96.0), "c": np.array([95.0, 95.2, 95.1, 95.1, 95.1])}
    assert list(rank_networks(samples, compare_pairs(samples))["letters"]) == ["", "", ""]


def test_who_lost_seeds_comes_last() -> None:
    """Ten seeds near 96.5 against 4 x 97.4 and 3 x 97.3 with three diverged: the higher mean is of a selection."""
    samples = {"conv": np.array([97.4] * 4 + [97.3] * 3), "invariant": 96.5 + np.linspace(-0.2, 0.2, 10)}
    ranked = rank_networks(samples, compare_pairs(samples, {"conv"}), {"conv"})
    assert list(zip(ranked["group"], ranked["letters"], strict=True)) == [("invariant", ""), ("conv", "")]
