"""From what was given to names in a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import models
from models.own import REGISTERED
from search.architectures import check_searched, find_names, list_own, share_theta
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from spaces import Hyperparameters, UserError, make_space
from spaces.specs.run import RunSpec

pytestmark = pytest.mark.usefixtures("registered")

LAYER = """from torch import nn

class Mine(nn.Conv2d):
    def __init__(self, in_channels, out_channels, kernel=1):
        super().__init__(in_channels, out_channels, kernel)

def net(input_shape, classes, width=3):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "my_layer.py"
    found.write_text(LAYER)
    return found


def test_names_and_references_each_once(path: Path) -> None:
    names = find_names(["conv", f"{path}:Mine", f"{path.parent}/./my_layer.py:Mine", f"{path}:Mine@C", "invB"], None)
    digits = REGISTERED[names[1]].own.digest[:8]
    assert names == ("conv", f"Mine-{digits}", f"Mine@C-{digits}", "invB")
    assert list(list_own(names)) == [f"Mine-{digits}", f"Mine@C-{digits}"]
    assert find_names(["all"], None) == tuple(models.ARCHITECTURES)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([], "none is named; give all, or some of conv"),
        (["cnov"], "did you mean conv"),
        (["a/b", "c.py:Mine"], "without commas"),
        (["Mine-01234567"], "give --out the run that keeps it"),
        (["c.py:Mine"], "no such file"),
    ],
)
def test_other_names_are_refused(given: list[str], complaint: str, tmp_path: Path) -> None:
    for run in (None, tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match=complaint):
            find_names(given, run)


def test_each_architecture_gets_what_it_takes_of_one_configuration(path: Path) -> None:
    names = find_names(["conv", f"{path}:Mine", f"{path}:net"], None)
    theta = Hyperparameters(lr=0.1, momentum=0, weight_decay=0, gain=1.5, kernel=3, width=4)
    shared = share_theta(theta, names)
    four = {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "gain": 1.5}
    network = {name: value for name, value in four.items() if name != "gain"} | {"width": 4}
    assert list(shared.values()) == [four, four | {"kernel": 3}, network]
    with pytest.raises(UserError, match="theta: deep: taken by no architecture of the run"):
        share_theta(Hyperparameters(lr=0.1, momentum=0, weight_decay=0, gain=1.5, deep=3), names)


def test_a_part_of_a_run_searches_what_others_of_the_run_take(path: Path, tmp_path: Path) -> None:
    names, run = find_names(["conv", f"{path}:Mine"], None), tmp_path / "run"
    four = {"lr": 0.1, "momentum": 0, "weight_decay": 0, "gain": 1}
    space = make_space({**four, "kernel": {"choice": [3, 1]}}, "mine")
    whole = RunSpec(
        "digits", "ab", 16, 0, 0, names, space=space.describe(), search="grid", samples=2, own=list_own(names)
    )
    part = replace(whole, architectures=("conv",), own=None)
    with pytest.raises(UserError, match="space mine: kernel: taken by no architecture of the run; conv takes lr"):
        check_searched(space, ["conv"], run)
    with pytest.raises(UserError, match="kernel: taken by no"), RunFolder(run).driven(part):
        pass
    with RunFolder(run).driven(whole):
        TrialFolder(run, whole.sweep_trial("conv", whole.list_points("conv")[0])).fail("x")
    check_searched(space, ["conv"], run)
    for name in ("conv", "invariant"):
        with RunFolder(run).driven(replace(part, architectures=(name,))) as spec:
            assert spec.architectures == (names if name == "conv" else (*names, name))
    with pytest.raises(UserError, match="space odd: width: taken by no architecture of the run; conv takes lr"):
        check_searched(make_space({**four, "width": 3}, "odd"), ["conv"], run)
