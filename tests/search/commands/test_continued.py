"""A grace period or a scheduler that nobody gave is no choice, so it contradicts nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.cli import make_parser
from search.datasets import find_dataset, find_trained_on, load_split
from search.specs import make_run_spec
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from spaces import UserError
from spaces.specs.extend import extend, read_known
from spaces.specs.recipes import RECIPES
from spaces.specs.run import RunSpec


def asked(run: Path, *options: str, usual: str = "asha") -> RunSpec:
    given = ["sweep", "--architectures", "conv", "--samples", "1", "--out", str(run), *options]
    return make_run_spec(make_parser().parse_args(given), ("conv",), None, None, usual)


def test_more_or_fewer_epochs_keep_the_grace_period(tmp_path: Path) -> None:
    assert asked(tmp_path, "--epochs", "3").grace_period == 3
    spec = asked(tmp_path, "--epochs", "6", "--grace-period", "4")
    with RunFolder(tmp_path).driven(spec):
        TrialFolder(tmp_path, spec.sweep_trial("conv", spec.list_points("conv")[0])).fail("x")
    assert asked(tmp_path, "--epochs", "9").grace_period == 4
    assert extend(spec, asked(tmp_path, "--epochs", "9")) == replace(spec, max_epochs=9)
    assert extend(spec, asked(tmp_path, "--epochs", "3")) == spec
    assert asked(tmp_path, "--grace-period", "5").grace_period == 5  # Which is refused.


def test_a_grace_period_that_follows_the_epochs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(tmp_path, "--epochs", "4")
    said = capsys.readouterr().err
    assert said.startswith("grace period: 4 epochs instead of 5, because of --epochs 4; no trial is stopped early")
    for more in (("--grace-period", "4"), ("--scheduler", "none"), ("--epochs", "5")):
        asked(tmp_path, "--epochs", "4", *more)
        assert capsys.readouterr().err == ""


def test_a_start_without_a_record_binds_nobody(tmp_path: Path) -> None:
    with RunFolder(tmp_path).driven(asked(tmp_path, "--epochs", "3")):
        pass
    assert asked(tmp_path).grace_period == asked(tmp_path / "new").grace_period == 5
    (tmp_path / "spec.json").write_text("{}")
    assert read_known(tmp_path) is None


@pytest.mark.parametrize("scheduler", ["asha", "halving", "none"])
def test_a_run_keeps_its_scheduler_whichever_command_resumes_it(tmp_path: Path, scheduler: str) -> None:
    spec = asked(tmp_path, "--scheduler", scheduler)
    assert asked(tmp_path).scheduler == "asha"
    assert asked(tmp_path, usual="halving").scheduler == "halving"
    with RunFolder(tmp_path).driven(spec):
        TrialFolder(tmp_path, spec.sweep_trial("conv", spec.list_points("conv")[0])).fail("x")
    assert asked(tmp_path).scheduler == asked(tmp_path, usual="halving").scheduler == scheduler
    other = "none" if scheduler == "asha" else "asha"
    with pytest.raises(UserError, match=f"scheduler is {scheduler} there and {other} here"):
        extend(spec, asked(tmp_path, "--scheduler", other))


def test_a_recipe_that_is_asked_for_is_the_runs_from_then_on(tmp_path: Path) -> None:
    assert asked(tmp_path).recipe is None
    spec = asked(tmp_path, "--recipe", "steps")
    assert spec.recipe == RECIPES["steps"]
    assert not spec.augments
    assert spec.has_schedules
    with RunFolder(tmp_path).driven(spec):
        TrialFolder(tmp_path, spec.sweep_trial("conv", spec.list_points("conv")[0])).fail("x")
    assert asked(tmp_path) == spec
    with pytest.raises(UserError, match=r"recipe is .* there and none here"):
        extend(spec, asked(tmp_path, "--recipe", "none"))


@pytest.mark.parametrize("name", [*RECIPES])
def test_images_stay_bytes_only_where_the_runs_recipe_changes_them(tmp_path: Path, name: str) -> None:
    """Or the native engine could not train on them."""
    spec = asked(tmp_path, "--recipe", name)
    split = load_split(find_trained_on(spec), "sweep", 0)
    assert (split.train_x.dtype == np.uint8) is spec.augments is (name in ("crops", "cifar", "tiny-imagenet"))
    if not spec.augments:
        usual = load_split(find_dataset("digits"), "sweep", 0)
        np.testing.assert_array_equal(split.train_x, usual.train_x)
