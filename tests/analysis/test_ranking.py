import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.pairs import pairs
from analysis.ranking import ranking

NAMES = ["a", "b", "c", "d", "e"]
SAMPLES = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.integers(0, 1000).map(float), min_size=2, max_size=6), min_size=1
)


def test_a_chain_shares_letters_link_by_link() -> None:
    samples = {name: np.array([mean - 1, mean + 1.0]) for name, mean in zip("abc", (90, 92, 94), strict=True)}
    compared = pd.DataFrame({"first": ["a", "a", "b"], "second": ["b", "c", "c"], "differs": [False, True, False]})
    ranked = ranking(samples, compared)
    assert list(ranked["group"]) == ["c", "b", "a"]
    assert list(ranked["letters"]) == ["a", "ab", "b"]


@settings(max_examples=40)
@given(SAMPLES)
def test_two_share_a_letter_exactly_where_they_do_not_differ(samples) -> None:
    samples = {name: np.array(values) for name, values in samples.items()}
    compared = pairs(samples)
    ranked = ranking(samples, compared)
    letters = dict(zip(ranked["group"], map(set, ranked["letters"]), strict=True))
    assert all(letters.values())
    for row in compared.to_dict("records"):
        assert bool(letters[row["first"]] & letters[row["second"]]) != row["differs"]
    assert list(ranked["mean"]) == sorted(ranked["mean"], reverse=True)
    assert ranked["best"].tolist() == pytest.approx([samples[name].max() for name in ranked["group"]])


def test_a_single_seed_has_no_letter_and_none_no_row() -> None:
    samples = {"a": np.array([1.0, 2.0]), "b": np.array([9.0]), "c": np.array([])}
    ranked = ranking(samples, pairs(samples))
    assert list(zip(ranked["group"], ranked["letters"], strict=True)) == [("b", ""), ("a", "a")]
