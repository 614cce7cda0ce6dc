"""Plans for other machines, what is left of a run, and what a plan costs; numbers worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from search.cli import main
from search.planning.assumed import Assumed, parse_assumed
from spaces import UserError

NAMES = ("conv", "wide-conv")
SWEEP = ["sweep", "--samples", "16", "--scheduler", "none", "--epochs", "20", "--dry-run"]


def plan(tmp_path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main([*SWEEP, "--out", str(tmp_path / "run"), *more]) == 0
    return capsys.readouterr().out


def test_gpus_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2 x 16 trials of 20 epochs of 90 s on 8 GPUs of 2 nodes: 57,600 s / 16 = 1 h, and 2 node-hours."""
    asked = ["--gpus-per-trial", "1", "--assume", "cpus=32,gpus=8,nodes=2,seconds-per-epoch=90", "--price", "2.5"]
    shown = plan(tmp_path, capsys, *asked)
    assert "on 2 such nodes 16 trials at once" in shown
    assert "in all about 60 min" in shown
    assert shown.rstrip().endswith("2 node-hours, 5.00 at 2.5 each")


def test_checkpoints_take_room_where_the_pace_is_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 256 trials of conv: 3,316 learned weights, twice with their momentum, and 24,010 fixed ones."""
    room = []
    for kept in ("none", "all"):
        asked = ["--architectures", "conv", "--samples", "256", "--keep-checkpoints", kept]
        shown = plan(tmp_path, capsys, *asked, "--assume", "cpus=1,seconds-per-epoch=1")
        room += [float(found) for found in re.findall(r"and (\d+) MiB of disk", shown)]
    assert room[1] - room[0] == pytest.approx(256 * 4 * (2 * 3316 + 24010) / 2**20, abs=1.0)


def test_the_epochs_of_a_trial_follow_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However many trials fit: 20 epochs of 90 s are 30 minutes for either network, and for both together."""
    shown = plan(tmp_path, capsys, "--assume", "cpus=1024,seconds-per-epoch=90")
    assert shown.count("about 30 min") == 3


def test_the_stages_of_a_race_follow_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """8 finalists on 1, 2 and 4 seeds: three stages of 30 minutes between a sweep and reruns of 30 minutes each."""
    asked = ["--samples", "16", "--finalists", "8", "--choice-seeds", "4", "--dry-run", "--out", str(tmp_path / "run")]
    assert main(["reproduce", "1.3", *asked, "--assume", "cpus=1024,seconds-per-epoch=90"]) == 0
    assert "in all about 2.50 h" in capsys.readouterr().out


def test_an_architecture_of_its_own_pace_and_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--assume", "cpus=4,seconds-per-epoch=1,conv=10", "--max-concurrent", "2", "--address", "10.0.0.1:6379"]
    shown = plan(tmp_path, capsys, *asked)
    assert "conv: 16 trials, about 320 epochs (at most 320), assumed, 10 s an epoch, about 27 min" in shown
    assert "invariant: 16 trials, about 320 epochs (at most 320), assumed, 1 s an epoch, about 3 min" in shown
    assert "2 trials at once" in shown


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            ["--gpus-per-trial", "1", "--max-concurrent", "8"],
            "a trial asks for 1 CPU and 1 GPU, but this machine has",
        ),
        (["--address", "10.0.0.1:6379"], "it does not look at a cluster (10.0.0.1:6379); give --assume"),
        (["--assume", "cpu=3"], "assume: 'cpu' is unknown; give cpus, gpus, nodes, seconds-per-epoch or"),
        (["--assume", "cpus=many"], "assume: cpus: 'many' is not a number"),
        (["--assume", "nodes=0.5"], "assume: nodes: '0.5' is not allowed"),
        (["--assume", "cpus=0.5,seconds-per-epoch=1"], "assume: no trial fits such a machine"),
        (
            ["--assume", "gpus=8,seconds-per-epoch=1"],
            "assume: gpus=8: trials ask for no GPU; also give --gpus-per-trial",
        ),
        (["--price", "-1"], "price: -1 is not allowed"),
    ],
)
def test_what_cannot_be_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], message: str
) -> None:
    assert main([*SWEEP, "--out", str(tmp_path / "run"), *asked]) == 2
    assert message in capsys.readouterr().err


def test_a_plan_is_asked_for_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--assume", "cpus=4", "--out", str(tmp_path / "run")]) == 2
    assert "give --dry-run too" in capsys.readouterr().err


def test_what_is_assumed() -> None:
    made = parse_assumed("gpus=8, wide-conv=12,seconds-per-epoch=2", None, NAMES, 1.0)
    assert (made.find_seconds("conv"), made.find_seconds("wide-conv")) == (2.0, 12.0)
    assert made.knows(NAMES)
    assert not parse_assumed("wide-conv=12", None, NAMES, 0.0).knows(NAMES)
    assert not parse_assumed(None, None, NAMES, 0.0)
    assert Assumed(price=2.0).format_price(3.0) == "; 3 node-hours, 6.00 at 2 each"
    assert Assumed().format_price(3.0) == ""
    with pytest.raises(UserError, match="also give seconds-per-epoch"):
        parse_assumed("gpus=8", None, NAMES, 1.0)
