"""``invsearch choose``: what it refuses and says; and, slowly, a whole experiment with a race, killed and resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import invsearch
from analysis.races import find_races
from analysis.records.reader import read_run
from search.cli import main, make_parser
from search.commands.choose import add_choice
from search.storage.json_files import write_json
from tests.search.test_interruptions import outcomes, records, start, wait_for


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--finalists", "1"], ["finalists: 1 is not allowed", "from 2"]),
        (["--choice-seeds", "0"], ["choice-seeds: 0 is not allowed", "1 to 1000"]),
        (["--choice", "single", "--finalists", "4"], ["choice: single has no race; leave --finalists out"]),
        (["--judge", "best"], ["invalid choice: 'best'", "last5"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_what_it_refuses(
    swept: Any, arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["choose", str(swept.path), *arguments]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert all(word in message for word in words), message
    assert "finalists" not in json.loads((swept.path / "spec.json").read_bytes())


def test_a_run_whose_configurations_were_given_has_no_choice(
    small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = replace(
        small.spec,
        space=None,
        search=None,
        samples=None,
        thetas={
            name: {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "gain": 1.0} for name in small.spec.architectures
        },
    )
    write_json(tmp_path / "spec.json", spec.as_dict())
    assert main(["choose", str(tmp_path)]) == 2
    assert "its configurations were given, so there is nothing to choose" in capsys.readouterr().err


def test_a_single_seed_needs_no_training(swept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choose", str(swept.path), "--choice", "single", "--engine", "torch"]) == 0
    said = capsys.readouterr().out
    assert "was chosen by the sweep's one seed" in said
    assert "choice complete" in said
    assert "finalists" not in json.loads((swept.path / "spec.json").read_bytes())


@pytest.mark.parametrize("choice", ["race", "single"])
def test_an_unfinished_sweep_is_refused_and_asks_for_no_race(
    swept: Any, choice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(swept.path / "spec.json", replace(swept.spec, samples=swept.spec.samples + 1).as_dict())
    before = (swept.path / "spec.json").read_bytes()
    assert main(["choose", str(swept.path), "--choice", choice, "--engine", "torch"]) == 2
    assert "the sweep is not finished" in capsys.readouterr().err
    assert (swept.path / "spec.json").read_bytes() == before


def test_a_race_that_is_asked_for_stays(swept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(swept.path / "spec.json", replace(swept.spec, finalists=2, choice_seeds=2).as_dict())
    assert main(["choose", str(swept.path), "--choice", "single", "--engine", "torch"]) == 2
    assert "has a race, which stays on record; leave --choice single out" in capsys.readouterr().err
    assert main(["choose", str(swept.path), "--judge", "last5", "--engine", "torch"]) == 2
    assert "judge is final there and last5 here" in capsys.readouterr().err
    assert main(["rerun", str(swept.path), "--engine", "torch"]) == 2
    message = capsys.readouterr().err
    assert "the race is not finished (conv 0 of 3 trainings)" in message
    assert "invsearch choose" in message


@pytest.mark.parametrize(("epochs", "judge"), [(10, "both"), (9, None)])
def test_a_new_race_names_its_judge_and_an_old_one_keeps_its_own(swept: Any, epochs: int, judge: str | None) -> None:
    args = make_parser().parse_args(["choose", "run"])
    spec = replace(swept.spec, max_epochs=epochs, grace_period=2)
    new = add_choice(args, spec, spec)
    assert (new.finalists, new.judge) == (12, judge)
    old = replace(spec, finalists=12, choice_seeds=8)  # From before a race could go by both.
    assert add_choice(args, spec, old).judge is None
    assert add_choice(args, spec, replace(spec, judge="last5")).judge == "last5"
    args.judge = "final"
    assert add_choice(args, spec, spec).judge == "final"


def list_ended(run: Path) -> list[str]:
    return [name for name in outcomes(run) if records(run)[name]["trial"]["phase"] == "choice"]


@pytest.mark.slow
def test_an_experiment_with_a_race_that_is_killed(tmp_path: Path) -> None:
    """Killed in its race, resumed, rerun: no training is repeated, and the winners are rerun."""
    out = tmp_path / "run"
    asked = ["1.3", "--samples", "4", "--epochs", "3", "--grace-period", "3", "--finalists", "4", "--choice-seeds", "2"]
    command = ["reproduce", *asked, "--seeds", "2", "--out", str(out)]
    process = start(*command)
    wait_for(lambda: len(list_ended(out)) > 1, process)
    process.kill()
    process.communicate()
    before = {name: records(out)[name] for name in list_ended(out)}
    assert main(command) == 0
    run = read_run(out)
    assert before == {name: records(out)[name] for name in before}
    raced = run.trials[run.trials["phase"] == "choice"]
    assert len(raced) == sum(found.race.planned for found in find_races(run).values()) > 2 * 2
    assert set(raced["status"]) <= {"completed", "diverged"}
    winners = {found.race.winner for found in find_races(run).values()}
    assert set(run.trials.loc[run.trials["phase"] == "rerun", "config_id"]) == winners
    assert invsearch.open_run(out).choose(finalists=4).path == out  # Nothing is left to do.
