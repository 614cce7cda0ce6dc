"""ASHA at the first rung of a halving run, against every order of arrival."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.replay.halved import judge_first_rung
from search.cli import main
from spaces import UserError, make_space
from tests.analysis.conftest import RunFolder

SPACE = {
    "name": "small",
    "lr": {"choice": [0.01, 0.1, 1.0]},
    "momentum": {"choice": [0.0, 0.9]},
    "weight_decay": {"choice": [1e-5]},
    "gain": {"choice": [1.0]},
}
FIRST = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]  # At the rung; halving keeps the best two of six, and one of them ends best.
LAST = {4: 0.9, 5: 0.8}


@pytest.fixture
def halved(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "halved")
    folder.spec.update(space=SPACE, samples=6, scheduler="halving", grace_period=2, max_epochs=4, reduction_factor=3)
    folder.spec.update(architectures=["conv"], rerun_seeds=None, rerun_epochs=None)
    for place, theta in enumerate(make_space(SPACE, "space").walk(0)):
        end: list[Any] = [0.7, LAST[place]] if place in LAST else []
        status = "completed" if end else "stopped"
        folder.sweep("conv", [0.05, FIRST[place], *end], status, theta=theta)
    return folder


def test_all_orders_against_the_definition(halved: RunFolder) -> None:
    """Each of 720 orders by hand: who is not below the upper third of those before him goes on."""
    [candidate] = gather([read_run(halved.write())]).candidates
    passed, unknown, kept, missed = [], [], [], []
    for order in itertools.permutations(range(6)):
        seen, on = [], []
        for place in order:
            if not seen or FIRST[place] >= np.percentile(seen, 100 * (1 - 1 / 3)):
                on.append(place)
            seen.append(FIRST[place])
        passed.append(len(on))
        unknown.append(len({*on} - {*LAST}))
        kept.append(4 in on)
        missed.append(10 if 4 not in on else 0)  # The other one is always let on: nobody is above it.
    found = judge_first_rung(candidate, 4000, 0)
    assert (found["trials"], found["halved"]) == (6, 2)
    for name, exact in (("passed", passed), ("unknown", unknown), ("kept", kept), ("behind", missed)):
        assert found[name] == pytest.approx(np.mean(exact), abs=5 * np.std(exact) / 4000**0.5 + 1e-9)
    assert found["low"] == 0  # Of the orders exactly 5 % miss it: the other end of the range may be any of 0 to 10.
    assert np.mean(kept) == pytest.approx(0.95)


def test_the_judge_of_the_run_decides(halved: RunFolder) -> None:
    """By the means of their four epochs the pick is the other one, which every order lets on: 57.5 against 53.75."""
    halved.spec["judge"] = "last5"
    for _, record, _ in halved.trials:
        if len(record["rows"]) == 4:
            record["rows"][2]["val_accuracy"] = 0.85 if record["rows"][3]["val_accuracy"] == 0.8 else 0.7
    [candidate] = gather([read_run(halved.write())]).candidates
    found = judge_first_rung(candidate, 50, 0)
    assert (found["kept"], found["behind"], found["high"]) == (1.0, 0.0, 0.0)


def test_the_command_prints_it_and_refuses_what_has_no_answer(
    halved: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(halved.write())
    assert main(["replay", path, "--repeats", "20", "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert text.startswith("What ASHA would have promoted at the first rung")
    assert (tmp_path / "out" / "first-rung.md").read_text() == text
    assert (tmp_path / "out" / "first-rung.csv").exists()
    halved.spec["grace_period"] = 1  # Rungs at 1 and 3.
    assert main(["replay", str(halved.write())]) == 2
    assert "give a run of --scheduler halving with one rung; it has 2" in capsys.readouterr().err


def test_an_unfinished_sweep(halved: RunFolder) -> None:
    halved.trials.pop()
    [candidate] = gather([read_run(halved.write())]).candidates
    with pytest.raises(UserError, match="conv 5 of 6 trials have ended; run the sweep again"):
        judge_first_rung(candidate, 10, 0)
