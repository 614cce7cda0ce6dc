from __future__ import annotations

import time

import psutil
import pytest

from search.cli import make_parser
from search.commands.options import make_policy
from search.tuning.policy import Policy
from spaces import UserError

SWEEP = ["sweep", "--out", "x"]


def test_by_default_a_run_is_left_as_it_is() -> None:
    found = make_policy(make_parser().parse_args(SWEEP))
    assert (found.force, found.accept_changes, found.retry_failed) == (False, False, False)
    assert (found.keep_checkpoints, found.max_concurrent, found.time_budget) == ("none", None, None)
    assert not found.time_is_up()


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
    assert Policy(time_budget=99, started=started).time_is_up()
    assert not Policy(time_budget=1e9, started=started).time_is_up()


def test_none_at_once_makes_no_sense() -> None:
    with pytest.raises(UserError, match="max-concurrent: 0 is not allowed"):
        make_policy(make_parser().parse_args([*SWEEP, "--max-concurrent", "0"]))
