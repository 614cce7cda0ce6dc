import pandas as pd
import pytest

from analysis.records.reader import Run
from benchmarks.busy import busy_share


def run_of(epochs: list[tuple[str, float, float]]) -> Run:
    trials = pd.DataFrame({"trial_id": ["a", "b", "c"], "phase": ["sweep", "sweep", "rerun"]})
    frame = pd.DataFrame(epochs, columns=["trial_id", "seconds", "time"])
    return Run(None, {}, {}, trials, frame, [])  # pyright: ignore[reportArgumentType]


def test_the_share_of_two_cores() -> None:
    # From 0 to 10 s: core one trains 4 + 5 s, core two 7 s; the rerun does not count.
    run = run_of([("a", 4.0, 4.0), ("a", 5.0, 10.0), ("b", 7.0, 9.0), ("c", 100.0, 500.0)])
    assert busy_share(run, 2) == (pytest.approx(0.8), pytest.approx(10.0))


def test_nothing_recorded() -> None:
    with pytest.raises(ValueError, match="no epoch"):
        busy_share(run_of([("c", 1.0, 1.0)]), 2)
