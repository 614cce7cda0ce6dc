"""What a plan says of a run that takes trials over from another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from search.cli import main, make_parser
from search.commands.reproduce import prepare
from search.storage.provenance import describe_expected_nodes
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.training.engines import EngineChoice
from spaces import TrialSpec
from spaces.specs.run import RunSpec

SHAPE = ["reproduce", "1.3", "--epochs", "4", "--grace-period", "2", "--scheduler", "asha"]
RACE = ["--finalists", "2", "--choice-seeds", "2", "--seeds", "3"]
PLAN = ["--dry-run", "--assume", "cpus=1,seconds-per-epoch=1"]
ENDS = (("completed", 4), ("completed", 3), ("stopped", 2), ("stopped", 1), ("diverged", 1), ("failed", 1), (None, 4))


def train(run: Path, trial: TrialSpec, status: str | None, epochs: int, accuracy: float, **maker: str) -> None:
    judged = "test" if trial.phase == "rerun" else "val"
    rows = [
        {
            "epoch": epoch,
            "train_loss": 1.0,
            f"{judged}_loss": 1.0,
            f"{judged}_accuracy": accuracy,
            "seconds": 1.0,
            "time": 9.0,
        }
        for epoch in range(1, epochs + 1)
    ]
    made_by = {**describe_expected_nodes(), "engine": EngineChoice().name_for(trial.architecture), **maker}
    folder = TrialFolder(run, trial)
    folder.path.mkdir(parents=True)
    known = status if status == "diverged" else "running"
    folder.commit(rows[-1], known, made_by, lambda path, record: path.write_text("x"), earlier=rows[:-1])
    if status == "failed":
        folder.fail("no memory")
    if status is not None:
        folder.decide(status, epochs)


def ask(out: Path, *options: str) -> RunSpec:
    return prepare(make_parser().parse_args([*SHAPE, *options, "--out", str(out)])).spec


def plan(out: Path, other: Path, *options: str) -> None:
    assert main([*SHAPE, *options, *PLAN, "--reuse", str(other), "--out", str(out)]) == 0
    assert not out.exists()


def race(run: Path, spec: RunSpec, name: str, thetas: Sequence[int]) -> None:
    """Trains the sweep of an architecture, of which the last configuration is the best; its race; and its reruns."""
    points = spec.list_points(name)
    for place, theta in enumerate(points):
        train(run, spec.sweep_trial(name, theta), "completed", 4, 0.5 + place / 10)
    for place in thetas:
        for number, trial in enumerate(spec.list_choice_trials(name, points[place])):
            if number == 0 or place == thetas[-1]:
                train(run, trial, "completed", 4, 0.5 + place / 10)
    for trial in spec.list_rerun_trials(name, points[thetas[-1]]) if thetas else ():
        train(run, trial, "completed", 4, 0.9)


def test_of_a_sweep_what_ended_as_here_is_subtracted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, options = tmp_path / "other", ("--samples", "9", "--choice", "single")
    spec = ask(other, *options)
    points = [spec.sweep_trial("conv", theta) for theta in spec.list_points("conv")]
    with RunFolder(other).driven(spec):
        for trial, (status, epochs) in zip(points, ENDS, strict=False):
            train(other, trial, status, epochs, 0.5)
        train(other, points[7], "completed", 4, 0.5, torch="another")
    plan(tmp_path / "run", other, *options)
    shown = capsys.readouterr().out
    assert "--reuse takes 3 trials over from" in shown
    assert f"over from {other}; 1 left, made by other code, torch, numpy or engines" in shown
    assert "  conv: sweep: 6 trials left" in shown
    assert "  invariant: sweep: 9 trials left" in shown
    plan(tmp_path / "run", other, *options, "--accept-changes")
    assert "  conv: sweep: 5 trials left" in capsys.readouterr().out


def test_of_races_and_reruns_what_the_records_decide_is_subtracted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of conv all; of invariant all but one rerun, since the smaller run had two."""
    other, options = tmp_path / "other", ("--samples", "3", *RACE)
    spec = ask(other, *options)
    with RunFolder(other).driven(spec):
        race(other, spec, "conv", [1, 2])
        race(other, ask(other, *options, "--seeds", "2"), "invariant", [1, 2])
    plan(tmp_path / "run", other, *options)
    shown = capsys.readouterr().out
    assert "--reuse takes 17 trials over from" in shown  # 3, a race of 2 and 1, and the reruns of each.
    assert "  conv: assumed" in shown
    assert "  invariant: rerun: 1 trial left, about 4 epochs, assumed" in shown
    assert "in all about 4 s" in shown
    plan(tmp_path / "run", other, *options, "--seed", "1")
    assert "--reuse takes nothing over from" in capsys.readouterr().out
    plan(tmp_path / "run", other, *options, "--replicates", "2")
    assert "not subtracted from replicates" in capsys.readouterr().out


def test_reruns_are_left_until_the_race_has_its_winner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other run chose by one seed: whether its choice wins the race is not known."""
    other, one = tmp_path / "other", ("--samples", "3", "--choice", "single", "--seeds", "3")
    spec = ask(other, *one)
    with RunFolder(other).driven(spec):
        for name in ("conv", "invariant"):
            race(other, replace(spec, finalists=2, choice_seeds=2), name, [])
            for trial in spec.list_rerun_trials(name, spec.list_points(name)[2]):
                train(other, trial, "completed", 4, 0.9)
    plan(tmp_path / "run", other, "--samples", "3", *RACE)
    shown = capsys.readouterr().out
    assert "--reuse takes 6 trials over from" in shown
    assert "  conv: choice: 3 trials left, about 12 epochs, rerun: 3 trials left, about 12 epochs" in shown
