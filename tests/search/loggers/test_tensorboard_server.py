"""What a TensorBoard that serves our files answers on its HPARAMS page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.loggers import Recorded
from search.loggers.tensorboard_events import TensorboardLogger
from spaces import TrialSpec

pytest.importorskip("tensorboard.plugins.hparams")

STATUSES = [f"STATUS_{name}" for name in ("UNKNOWN", "RUNNING", "SUCCESS", "FAILURE")]
Ask = Callable[..., dict[str, Any]]


def rows(judged: str, accuracies: list[float], train_loss: float) -> list[dict[str, Any]]:
    """Epochs of two seconds each, the first of which began at 1.79e9."""
    return [
        {
            "epoch": epoch,
            "train_loss": train_loss / epoch,
            f"{judged}_loss": 1.0 - accuracy,
            f"{judged}_accuracy": accuracy,
            "seconds": 2.0,
            "time": 1.79e9 + 2 * epoch,
        }
        for epoch, accuracy in enumerate(accuracies, start=1)
    ]


@pytest.fixture
def trials(trial: TrialSpec) -> dict[str, Recorded]:
    """An incumbent, its reruns with two seeds, and another network that diverged."""
    rerun = replace(trial, phase="rerun", split_seed=None)
    return {
        "incumbent": Recorded(trial, rows("val", [0.25, 0.75], 4.0), "completed"),
        "first": Recorded(replace(rerun, seed=1), rows("test", [0.5, 0.625], 2.0), "completed"),
        "second": Recorded(replace(rerun, seed=2), rows("test", [0.5, 0.875], 1.0), None),
        "other": Recorded(replace(trial, architecture="invariant"), [], "diverged"),
    }


@pytest.fixture
def served(tmp_path: Path, trials: dict[str, Recorded]) -> Iterator[Ask]:
    """Asks a server that shows two runs, the second a copy of the first one's incumbent."""
    for name, logged in (("one", trials.values()), ("two", [trials["incumbent"]])):
        (tmp_path / name).mkdir()
        for recorded in logged:
            TensorboardLogger(tmp_path / name).log(recorded)
    command = [
        sys.executable,
        "-m",
        "tensorboard.main",
        "--logdir",
        str(tmp_path),
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            said = next(match for line in server.stderr if (match := re.search(r"http://[\d.:]+/", line)))

            def ask(what: str, **content: Any) -> dict[str, Any]:
                where = f"{said[0]}data/plugin/hparams/{what}"
                body = json.dumps({"experimentName": "", **content}).encode()
                request = urllib.request.Request(where, body, {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)

            yield ask
        finally:
            server.terminate()


def shown(ask: Ask) -> dict[str, dict[str, Any]]:
    """The rows of the page by their names, once the server has read all files."""
    end = time.monotonic() + 60
    while True:
        asked = {"allowedStatuses": STATUSES, "colParams": [], "startIndex": 0, "sliceSize": 100}
        groups = ask("session_groups", **asked).get("sessionGroups", [])
        if len(groups) == 5 or time.monotonic() > end:
            return {group["name"]: group for group in groups}
        time.sleep(0.1)


def test_a_row_is_a_trial_with_its_own_numbers(served: Ask, trials: dict[str, Recorded]) -> None:
    found = shown(served)
    named = {name: found[f"one/{recorded.spec.trial_id}"] for name, recorded in trials.items()}
    assert len(found) == 5
    assert f"two/{trials['incumbent'].spec.trial_id}" in found
    numbers = {
        name: {value["name"]["tag"]: value["value"] for value in group.get("metricValues", [])}
        for name, group in named.items()
    }
    assert numbers == {  # Of the last epoch of each.
        "incumbent": {"loss/train": 2.0, "loss/val": 0.25, "accuracy/val": 0.75},
        "first": {"loss/train": 1.0, "loss/test": 0.375, "accuracy/test": 0.625},
        "second": {"loss/train": 0.5, "loss/test": 0.125, "accuracy/test": 0.875},
        "other": {},
    }
    seen = {name: (group["hparams"]["phase"], group["hparams"]["seed"]) for name, group in named.items()}
    assert seen == {"incumbent": ("sweep", 0), "first": ("rerun", 1), "second": ("rerun", 2), "other": ("sweep", 0)}
    sessions = {name: group["sessions"] for name, group in named.items()}
    assert [len(group) for group in sessions.values()] == [1] * 4
    ((incumbent,), (second,), (other,)) = (sessions[name] for name in ("incumbent", "second", "other"))
    assert (incumbent["startTimeSecs"], incumbent["endTimeSecs"]) == (1.79e9, 1.79e9 + 4)
    assert [each["status"] for each in (incumbent, second, other)] == [
        *("STATUS_SUCCESS", "STATUS_UNKNOWN", "STATUS_FAILURE")
    ]


def test_the_columns_are_those_of_all_trials(served: Ask) -> None:
    assert len(shown(served)) == 5
    page = served("experiment")
    tags = {info["name"]["tag"] for info in page["metricInfos"]}
    assert tags == {"loss/train", "loss/val", "accuracy/val", "loss/test", "accuracy/test"}
    columns = {info["name"]: info for info in page["hparamInfos"]}
    assert set(columns) == {
        *("lr", "momentum", "weight_decay", "gain", "architecture", "dataset", "phase", "seed"),
    }
    assert {*columns["phase"]["domainDiscrete"]} == {"sweep", "rerun"}
    assert {name for name, info in columns.items() if info["differs"]} == {"architecture", "phase", "seed"}
