from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from search.cli import make_parser
from search.options import make_policy
from search.storage.trial_folder import TrialFolder
from search.tuning.policy import Keeper, Policy
from spaces import TrialSpec, UserError

SWEEP = ["sweep", "--out", "x"]


def test_by_default_a_run_is_left_as_it_is() -> None:
    found = make_policy(make_parser().parse_args(SWEEP))
    assert (found.force, found.accept_changes, found.retry_failed) == (False, False, False)
    assert (found.keep_checkpoints, found.max_concurrent, found.time_budget) == ("none", None, None)
    assert not found.is_time_up()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("30m", 1800.0),
        ("1.5h", 5400.0),
        ("1h30m", 5400.0),
        ("90", 90.0),
        ("8", 8.0),
        ("90 min", 5400.0),
        ("2 Hours 5 minutes", 7500.0),
        ("1d 2h", 93600.0),
    ],
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert make_policy(make_parser().parse_args([*SWEEP, "--time-budget", text])).time_budget == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "h",
        "-1s",
        "0s",
        "0",
        "nans",
        "infh",
        "1e3s",
        "500ms",
        "5hm",
        "8mh",
        "30m1h",
        "1:30",
        "9" * 400 + "h",
        "\x1b[31m",
    ],
)
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UserError, match=r"time-budget: .*(30m|such as)"):
        make_parser().parse_args([*SWEEP, f"--time-budget={text}"])


def test_the_clock_starts_with_the_process() -> None:
    born = psutil.Process().create_time()
    found = make_policy(make_parser().parse_args([*SWEEP, "--time-budget", "1h"]))
    assert found.started == pytest.approx(time.monotonic() - (time.time() - born), abs=5)


def test_time_is_up() -> None:
    started = time.monotonic() - 100
    assert Policy(time_budget=99, started=started).is_time_up()
    assert not Policy(time_budget=1e9, started=started).is_time_up()


def test_none_at_once_makes_no_sense() -> None:
    with pytest.raises(UserError, match="max-concurrent: 0 is not allowed"):
        make_policy(make_parser().parse_args([*SWEEP, "--max-concurrent", "0"]))


def finished(run: Path, trial: TrialSpec, seed: int, accuracy: float, loss: float = 1.0) -> TrialFolder:
    folder = TrialFolder(run, replace(trial, seed=seed))
    folder.open()
    row = {"epoch": 1, "val_accuracy": accuracy, "val_loss": loss, "time": 0.0}
    folder.commit(row, "running", {}, lambda path, record: path.write_text(""))
    return folder


def kept(folders: list[TrialFolder]) -> list[bool]:
    return [folder.checkpoint.exists() for folder in folders]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("none", [False] * 4), ("all", [True] * 4), ("best", [False, True, False, False])],
)
def test_which_checkpoints_stay(tmp_path: Path, trial: TrialSpec, choice: str, expected: list[bool]) -> None:
    keeper = Keeper(choice, list)
    folders = []
    for seed, (accuracy, loss) in enumerate([(0.5, 1.0), (0.9, 1.0), (0.9, 1.1), (0.7, 0.1)]):
        folders.append(finished(tmp_path, trial, seed, accuracy, loss))
        folders[-1].decide("completed", 1, keeper.keeps(folders[-1]))
    assert kept(folders) == expected


@pytest.mark.parametrize(("accuracy", "expected"), [(0.9, [False, True]), (0.5, [True, False])])
def test_the_best_of_an_earlier_invocation_counts(
    tmp_path: Path, trial: TrialSpec, accuracy: float, expected: list[bool]
) -> None:
    before = finished(tmp_path, trial, 0, 0.7)
    before.decide("completed", 1, keep_checkpoint=True)
    now = finished(tmp_path, trial, 1, accuracy)
    now.decide("completed", 1, Keeper("best", lambda: [before, now]).keeps(now))
    assert kept([before, now]) == expected


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_ties_go_to_the_lower_loss_whoever_ends_first(
    tmp_path: Path, trial: TrialSpec, order: tuple[int, int, int]
) -> None:
    folders = [finished(tmp_path, trial, seed, 0.9, loss) for seed, loss in enumerate((0.3, 0.2, 0.4))]
    keeper = Keeper("best", list)
    for one in order:
        folders[one].decide("completed", 1, keeper.keeps(folders[one]))
    assert kept(folders) == [False, True, False]


def test_architectures_have_a_best_each(tmp_path: Path, trial: TrialSpec) -> None:
    keeper = Keeper("best", list)
    one, other = finished(tmp_path, trial, 0, 0.9), finished(tmp_path, replace(trial, architecture="dct"), 0, 0.5)
    assert keeper.keeps(one)
    assert keeper.keeps(other)
