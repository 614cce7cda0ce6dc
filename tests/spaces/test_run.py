import json
from dataclasses import replace

import pytest

from spaces import SPACES, Hyperparameters, UserError
from spaces.run import RunSpec

SPACE = SPACES["table-1.2"].describe()
THETA = Hyperparameters(0.1, 0.5, 1e-5, 1.5)
SWEEP = RunSpec("digits", "ab", 16, 0, 0, ("conv",), space=SPACE, search="grid", samples=8)
FIXED = RunSpec("digits", "ab", 16, 0, 0, ("conv",), thetas={"conv": THETA.as_dict()}, rerun_seeds=2, rerun_epochs=3)


@pytest.mark.parametrize("spec", [SWEEP, FIXED])
def test_survives_json(spec: RunSpec) -> None:
    assert RunSpec.from_dict(json.loads(json.dumps(spec.as_dict()))) == spec


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"format": 1},
        SWEEP.as_dict() | {"extra": 1},
        SWEEP.as_dict() | {"format": 99},
        SWEEP.as_dict() | {"max_epochs": "20"},
    ],
)
def test_refuses_what_it_did_not_write(content: dict) -> None:
    with pytest.raises(UserError, match=r"spec\.json"):
        RunSpec.from_dict(content)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 0),
        ("grace_period", 0),
        ("max_epochs", 0),
        ("samples", 0),
        ("rerun_seeds", 0),
        ("rerun_epochs", 0),
        ("seed", -1),
        ("split_seed", -1),
        ("reduction_factor", 1.0),
        ("reduction_factor", float("inf")),
        ("reduction_factor", float("nan")),
    ],
)
def test_refuses_numbers_that_make_no_sense(field: str, value: float) -> None:
    with pytest.raises(UserError) as error:
        replace(SWEEP, **{field: value})
    option = {"max_epochs": "epochs", "rerun_seeds": "seeds"}.get(field, field.replace("_", "-"))
    for part in (option, f"{value:g}", "from" if field != "reduction_factor" else "above 1"):
        assert part in str(error.value)


def test_a_run_is_extended_by_architectures_samples_and_seeds() -> None:
    asked = replace(SWEEP, architectures=("invariant", "conv"), samples=4, rerun_seeds=10, rerun_epochs=20)
    whole = SWEEP.extended_by(asked)
    assert whole.architectures == ("conv", "invariant")
    assert (whole.samples, whole.rerun_seeds, whole.rerun_epochs) == (8, 10, 20)
    assert whole.extended_by(SWEEP) == whole


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "mnist"),
        ("data_hash", "cd"),
        ("batch_size", 64),
        ("seed", 1),
        ("split_seed", 1),
        ("space", SPACES["continuous"].describe()),
        ("search", "tpe"),
        ("scheduler", "none"),
        ("grace_period", 2),
        ("max_epochs", 40),
        ("reduction_factor", 2.0),
    ],
)
def test_a_contradiction_is_refused_with_the_difference(field: str, value: object) -> None:
    with pytest.raises(UserError) as error:
        SWEEP.extended_by(replace(SWEEP, **{field: value}))
    assert field.removeprefix("max_").replace("_", "-") in str(error.value)
    assert "there and" in str(error.value)


def test_rerun_epochs_may_be_set_once() -> None:
    asked = replace(SWEEP, rerun_seeds=1, rerun_epochs=5)
    with pytest.raises(UserError, match="rerun-epochs is 5 there and 6 here"):
        SWEEP.extended_by(asked).extended_by(replace(asked, rerun_epochs=6))


def test_fixed_configurations_may_be_added_but_not_changed() -> None:
    other = Hyperparameters(0.2, 0.5, 1e-5, 1.5).as_dict()
    added = replace(FIXED, architectures=("invariant",), thetas={"invariant": other})
    assert FIXED.extended_by(added).thetas == {"conv": THETA.as_dict(), "invariant": other}
    with pytest.raises(UserError, match="theta of conv"):
        FIXED.extended_by(replace(FIXED, thetas={"conv": other}))


def test_a_search_and_fixed_configurations_do_not_mix() -> None:
    with pytest.raises(UserError, match="search"):
        SWEEP.extended_by(FIXED)
    with pytest.raises(UserError, match="no search space"):
        _ = FIXED.searched


def test_reruns_use_seeds_that_the_sweep_never_used() -> None:
    spec = replace(SWEEP, seed=3, rerun_seeds=4, rerun_epochs=2)
    trials = spec.rerun_trials("conv", THETA)
    assert [trial.seed for trial in trials] == [4, 5, 6, 7]
    assert spec.sweep_trial("conv", THETA).seed == 3
    assert {trial.split_seed for trial in trials} == {None}
    assert len({trial.trial_id for trial in trials}) == 4
    assert {trial.config_id for trial in trials} == {spec.sweep_trial("conv", THETA).config_id}
