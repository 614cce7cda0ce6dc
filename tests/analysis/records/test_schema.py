"""The columns of hyperparameters: which a table has, of which kind, and where."""

import math
from typing import Any

import pandas as pd
import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.records.schema import (
    TRIALS,
    holds_words,
    join_trials,
    list_hyperparameters,
    make_column,
    make_trials,
)
from analysis.stats.breakdowns import list_outcomes
from analysis.tables import TABLES
from spaces import Hyperparameters
from spaces.hyperparameters import RESERVED
from tests.analysis.conftest import NET, OWN

THETA = {"lr": 0.1, "momentum": 0.5, "weight_decay": 1e-5, "gain": 1.0}


@pytest.mark.parametrize(
    ("values", "dtype", "words"),
    [
        ([3, None, 5], "Int64", False),
        ([0, 0.25, None], "float64", False),
        ([True, None, False], "boolean", True),
        (["relu", None], "str", True),
        (["relu", 3], "str", True),
        ([None], "str", True),
        ([], "str", True),
    ],
)
def test_the_dtype_of_a_column(values, dtype, words) -> None:
    column = make_column(values)
    assert (str(column.dtype), holds_words(column)) == (dtype, words)
    assert column.isna().tolist() == [value is None for value in values]
    # What a column gives makes the same column again, whatever stands for missing there.
    pd.testing.assert_series_equal(make_column(column), column)


def test_a_run_has_a_column_for_each_further_hyperparameter(mixed) -> None:
    run = read_run(mixed.write())
    assert run.damaged == []
    names = list(TRIALS)
    after = names.index("gain") + 1
    assert list(run.trials) == [*names[:after], "activation", "bias", "width", *names[after:]]
    assert list_hyperparameters(run.trials) == [*THETA, "activation", "bias", "width"]
    kinds = {name: str(run.trials[name].dtype) for name in ("gain", "activation", "bias", "width")}
    assert kinds == {"gain": "float64", "activation": "str", "bias": "boolean", "width": "Int64"}
    first: Any = run.trials.drop_duplicates("architecture").set_index("architecture")[list(kinds)]
    assert first.isna().loc["conv"].tolist() == [False, True, True, True]
    assert first.isna().loc[OWN].tolist() == [False] * 4
    assert first.isna().loc[NET].tolist() == [True, False, True, True]


def test_a_batch_size_that_was_searched_stands_among_them(folder) -> None:
    for size in (8, 32):
        folder.sweep("conv", [0.5], "stopped", theta=Hyperparameters(**THETA, batch_size=size))
    folder.sweep("invariant", [0.5], "stopped")
    trials: Any = read_run(folder.write()).trials
    assert list_hyperparameters(trials) == [*THETA, "batch_size"]
    assert sorted(trials["batch_size"]) == [8, 16, 32]
    assert sorted(trials) == sorted(TRIALS)


def test_a_run_without_trials_has_the_four() -> None:
    empty = make_trials([])
    assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == TRIALS
    assert list_hyperparameters(empty) == list(THETA)


def test_joined_tables_have_the_columns_of_all(mixed, full) -> None:
    ours, theirs = read_run(full.write()).trials, read_run(mixed.write()).trials
    both = join_trials([ours.assign(run="a"), theirs.assign(run="b")])
    assert list(both) == [*theirs, "run"]
    assert len(both) == len(ours) + len(theirs)
    assert both.dtypes[["activation", "bias", "width"]].equals(theirs.dtypes[["activation", "bias", "width"]])
    assert both.loc[: len(ours) - 1, ["activation", "bias", "width"]].isna().all(axis=None)
    assert both["width"].tolist()[len(ours) :] == theirs["width"].tolist()
    pd.testing.assert_frame_equal(join_trials([ours]), ours)


def test_what_is_missing_is_missing_in_either_spelling() -> None:
    assert make_column([math.nan, pd.NA, None, 2]).isna().tolist() == [True, True, True, False]


def test_no_further_hyperparameter_is_called_like_another_column(mixed) -> None:
    """Where one table has both, the one would take the place of the other."""
    run = read_run(mixed.write())
    taken = {*list_hyperparameters(run.trials), "batch_size"}
    beside = {*run.trials, *run.epochs, *list_outcomes(gather([run]).candidates[0])}
    beside |= {*TABLES["summary"].build(run).frame, *TABLES["near"].build(run).frame}
    # Those with an interval's ends are named in words that nobody gives a hyperparameter.
    left = {name for name in beside - taken - RESERVED if not str(name).startswith(("ci_", "published_"))}
    assert left == set()
