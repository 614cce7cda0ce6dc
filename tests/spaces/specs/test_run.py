import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spaces import SPACES, Hyperparameters, UserError
from spaces.specs.extend import extend
from spaces.specs.own import Own
from spaces.specs.protocol import MAX_SEEDS
from spaces.specs.run import RunSpec

SPACE = SPACES["table-1.2"].describe()
THETA = Hyperparameters(0.1, 0.5, 1e-5, 1.5)
SWEEP = RunSpec("digits", "ab", 16, 0, 0, ("conv",), space=SPACE, search="grid", samples=8)
FIXED = RunSpec("digits", "ab", 16, 0, 0, ("conv",), thetas={"conv": THETA.as_dict()}, rerun_seeds=2, rerun_epochs=3)
OWN = Own("/home/me/mine.py:A", "0123abcd" * 8, "layer", ("gain", "kernel"))
MINE = replace(SWEEP, architectures=("A-0123abcd", "conv"), own={"A-0123abcd": OWN}, data_source="/home/me/data.npz")
HUGE = {**SPACE, "lr": {"choice": [i / 8 for i in range(1, 1000001)]}, "momentum": {"choice": [0.0]}}


@pytest.mark.parametrize("spec", [SWEEP, FIXED, replace(SWEEP, classes=2), MINE])
def test_survives_json(spec: RunSpec) -> None:
    assert RunSpec.from_dict(json.loads(json.dumps(spec.as_dict()))) == spec


def test_a_run_from_before_classes_were_recorded_goes_on_and_gets_them() -> None:
    """The hash of the data tells their number, so it contradicts nothing."""
    assert "classes" not in SWEEP.as_dict()
    grown = extend(SWEEP, replace(SWEEP, classes=10))
    assert grown.classes == 10
    assert extend(grown, SWEEP).classes == 10


def test_own_architectures_are_united() -> None:
    grown = extend(SWEEP, MINE)
    assert grown.own == {"A-0123abcd": OWN}
    assert grown.architectures == ("conv", "A-0123abcd")
    assert extend(grown, SWEEP) == grown
    moved = replace(MINE, own={"A-0123abcd": replace(OWN, reference="/elsewhere/mine.py:A")})
    assert extend(grown, moved).own == moved.own
    assert extend(MINE, replace(MINE, data_source="/elsewhere/data.npz")).data_source == "/elsewhere/data.npz"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "not of format 2; use the version of invsearch that wrote it"),
        ([], "not of format 2"),
        (SWEEP.as_dict() | {"format": 1}, "not of format 2"),
        ({"format": 2, **{k: v for k, v in SWEEP.as_dict().items() if k not in ("format", "seed")}}, "unknown: 'seed'"),
        (SWEEP.as_dict() | {"extra": 1}, "missing or unknown: 'extra'; restore the file"),
        (SWEEP.as_dict() | {f"extra{i}": 1 for i in range(1000)}, "missing or unknown: 'extra0'"),
        (SWEEP.as_dict() | {"max_epochs": "20"}, "epochs: '20' is not allowed; give a whole number from 1 to 100000"),
        (SWEEP.as_dict() | {"classes": 0}, "classes: 0 is not allowed"),
        (SWEEP.as_dict() | {"data_source": ""}, "data-source: '' is not allowed; give a text of at most"),
        (SWEEP.as_dict() | {"own": 3}, "own: 3 is not allowed; give a mapping"),
        (SWEEP.as_dict() | {"own": {"conv": {}}}, "own: {} is not how invsearch writes an architecture of one's own"),
        (
            SWEEP.as_dict() | {"own": {"conv": vars(OWN)}},
            "own: 'conv' is not allowed; give architectures that",
        ),
        (SWEEP.as_dict() | {"own": {"A-0123abcd": vars(OWN)}}, "own: 'A-0123abcd' is not allowed"),
        (SWEEP.as_dict() | {"seed": True}, "seed: True is not allowed"),
        (SWEEP.as_dict() | {"seed": 1.0}, "seed: 1.0 is not allowed"),
        (SWEEP.as_dict() | {"samples": None}, "either space, search and samples, or thetas"),
        (SWEEP.as_dict() | {"thetas": {"conv": THETA.as_dict()}}, "either space, search and samples, or thetas"),
        (SWEEP.as_dict() | {"rerun_seeds": 3}, "seeds and rerun-epochs belong together"),
        (SWEEP.as_dict() | {"grace_period": 21}, "grace-period: 21 is above the maximum of 20 epochs"),
        (SWEEP.as_dict() | {"dataset": "../../etc"}, "dataset: '../../etc' is not allowed; give a name of at most 60"),
        (SWEEP.as_dict() | {"dataset": "digits\n"}, r"dataset: 'digits\n' is not allowed"),
        (SWEEP.as_dict() | {"data_hash": "/"}, "data-hash: '/' is not allowed; give at most 64 hexadecimal digits"),
        (SWEEP.as_dict() | {"architectures": "conv"}, "architectures: 'conv' is not allowed; give 1 to 1000 names"),
        (SWEEP.as_dict() | {"architectures": []}, "architectures: () is not allowed"),
        (SWEEP.as_dict() | {"architectures": ["conv", "conv"]}, "a name twice"),
        (SWEEP.as_dict() | {"architectures": ["a/b"]}, "architectures: 'a/b' is not allowed"),
        (SWEEP.as_dict() | {"architectures": ["a" * 61]}, "is not allowed; give a name of at most 60"),
        (SWEEP.as_dict() | {"architectures": [f"a{i}" for i in range(1001)]}, "give 1 to 1000 names"),
        (FIXED.as_dict() | {"thetas": {}}, "thetas: {} is not allowed; give one for each architecture"),
        (FIXED.as_dict() | {"thetas": {"conv": {**THETA.as_dict(), "lr": "0.1"}}}, "thetas: conv: "),
        (FIXED.as_dict() | {"thetas": {"conv": {**THETA.as_dict(), "lr": -1}}}, "lr: -1 is not allowed"),
        (SWEEP.as_dict() | {"space": {**SPACE, "lr": 0.1}}, "is not how invsearch writes a space"),
        (SWEEP.as_dict() | {"space": {**SPACE, "lr": {"choice": ["0.1"]}}}, "is not how invsearch writes a space"),
        (SWEEP.as_dict() | {"space": {**SPACE, "name": "a\nb"}}, r"space: name: 'a\nb' is not a name"),
        (SWEEP.as_dict() | {"space": {**SPACE, "name": "a" * 81}}, "text of at most 80 characters"),
        (SWEEP.as_dict() | {"space": {**SPACE, "lr": {"uniform": [0.1, 0.2]}}}, "lr is continuous, so it has no grid"),
        (SWEEP.as_dict() | {"space": HUGE}, "its grid has 16,000,000 points; give fewer, at most 1,000,000"),
    ],
)
def test_refuses_what_it_did_not_write(content: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        RunSpec.from_dict(content)
    assert str(error.value).startswith("spec.json: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 0),
        ("batch_size", 2**31),
        ("grace_period", 0),
        ("max_epochs", 0),
        ("max_epochs", 10**6),
        ("samples", 0),
        ("rerun_seeds", 0),
        ("rerun_epochs", 0),
        ("seed", -1),
        ("seed", 2**63),
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
    assert str(error.value).startswith(f"{option}: {value} is not allowed; give a")
    assert ("above 1" if field == "reduction_factor" else "whole number from") in str(error.value)


def test_fixed_configurations_have_no_space() -> None:
    assert FIXED.count_planned("conv") == 0
    with pytest.raises(UserError, match="no search space"):
        _ = FIXED.searched


def test_reruns_use_seeds_that_the_sweep_never_used() -> None:
    spec = replace(SWEEP, seed=3, rerun_seeds=4, rerun_epochs=2)
    trials = spec.list_rerun_trials("conv", THETA)
    assert [trial.seed for trial in trials] == [4, 5, 6, 7]
    assert spec.sweep_trial("conv", THETA).seed == 3
    assert {trial.split_seed for trial in trials} == {None}
    assert len({trial.trial_id for trial in trials}) == 4
    assert {trial.config_id for trial in trials} == {spec.sweep_trial("conv", THETA).config_id}


def mutations(value: object) -> st.SearchStrategy[object]:
    """What a stranger may have made of plain data: anything in one place, at any depth."""
    anything = st.sampled_from(ODD) | JSON
    if isinstance(value, dict) and value:
        changed = st.sampled_from(sorted(value)).flatmap(
            lambda key: mutations(value[key]).map(lambda new: {**value, key: new})
        )
        dropped = st.sampled_from(sorted(value)).map(lambda key: {k: v for k, v in value.items() if k != key})
        added = st.tuples(st.text(max_size=5), anything).map(lambda item: {**value, item[0]: item[1]})
        return st.one_of(changed, changed, changed, dropped, added, anything)
    if isinstance(value, list) and value:
        places = st.integers(0, len(value) - 1)
        changed = places.flatmap(lambda i: mutations(value[i]).map(lambda new: [*value[:i], new, *value[i + 1 :]]))
        return st.one_of(changed, changed, st.just(value + value), st.just(value[1:]), anything)
    return anything


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NESTED: object = []
for _ in range(900):
    NESTED = [NESTED]
ODD = (
    10**5000,
    -1,
    0,
    2**63,
    1e308,
    "..",
    "../x",
    "a/b",
    "conv\0",
    "\ud800",
    "grid",
    "tpe",
    "none",
    [],
    {},
    NESTED,
    "1",
)
GROWN = extend(SWEEP, replace(SWEEP, space={**SPACE, "gain": {"choice": [0.25, 0.5, 1.0, 1.5, 2.0]}}, samples=9))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from([SWEEP, FIXED, GROWN]).flatmap(lambda spec: mutations(json.loads(json.dumps(spec.as_dict())))))
def test_any_change_gives_a_spec_or_a_user_error_of_one_line(content: Any) -> None:
    try:
        spec = RunSpec.from_dict(content)
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both outcomes are allowed.
        assert len(str(error)) < 500  # noqa: PT017
        return
    assert RunSpec.from_dict(json.loads(json.dumps(spec.as_dict(), allow_nan=False))) == spec
    assert spec.as_dict() == {**content, "architectures": spec.architectures, "earlier": spec.earlier}
    assert all("/" not in name for name in (spec.dataset, *spec.architectures))


NET = Own("/home/me/net.py:Net", "0123abcd" * 8, "network", ("kernel", "skip"))
BOTH = replace(
    SWEEP,
    architectures=("Net-0123abcd", "A-0123abcd", "conv"),
    own={"Net-0123abcd": NET, "A-0123abcd": OWN},
    space={
        "name": "mine",
        "lr": {"choice": [0.1, 0.2]},
        "momentum": {"choice": [0.0]},
        "weight_decay": {"choice": [0.0]},
        "gain": {"choice": [1.0, 2.0, 3.0]},
        "batch_size": {"choice": [16]},
        "kernel": {"randint": [1, 5]},
        "skip": {"choice": [False, True]},
    },
    samples=100,
)


def test_each_architecture_searches_what_it_takes() -> None:
    counts = {"Net-0123abcd": 20, "A-0123abcd": 30, "conv": 6}
    names = {"Net-0123abcd": "batch_size kernel skip", "A-0123abcd": "batch_size kernel", "conv": "batch_size"}
    for name, count in counts.items():
        points = BOTH.list_points(name)
        assert BOTH.find_space(name).size == BOTH.count_planned(name) == len(points) == len(set(points)) == count
        assert {" ".join(theta.further) for theta in points} == {names[name]}
        assert {"gain" in theta for theta in points} == {name != "Net-0123abcd"}
    assert replace(BOTH, samples=8).count_planned("conv") == 6
    assert RunSpec.from_dict(json.loads(json.dumps(BOTH.as_dict()))) == BOTH


def test_names_that_no_architecture_takes_are_refused() -> None:
    with pytest.raises(UserError, match="space mine: skip: taken by no architecture of the run; A-0123abcd takes lr"):
        replace(BOTH, architectures=("A-0123abcd",), own={"A-0123abcd": OWN}).check_searched()
    theta = Hyperparameters(0.1, 0, 0, 1, kernel=3)
    with pytest.raises(UserError, match="theta: kernel: taken by no architecture of the run; conv takes lr"):
        replace(FIXED, thetas={"conv": theta.as_dict()})
    with pytest.raises(UserError, match="theta: missing field gain, by which conv scales its initial weights"):
        replace(FIXED, thetas={"conv": Hyperparameters(0.1, 0, 0).as_dict()})
    own = {"A-0123abcd": OWN}
    fixed = replace(FIXED, architectures=("A-0123abcd",), own=own, thetas={"A-0123abcd": theta.as_dict()})
    assert fixed.list_rerun_trials("A-0123abcd", theta)[0].theta["kernel"] == 3


def test_the_race_has_seeds_of_its_own() -> None:
    """Neither the sweep nor any rerun that can be asked for has them."""
    spec = replace(SWEEP, finalists=4, choice_seeds=3, rerun_seeds=MAX_SEEDS, rerun_epochs=1)
    theta = spec.find_middle(spec.architectures[0])
    race = spec.list_choice_trials(spec.architectures[0], theta)
    assert {(trial.phase, trial.split_seed) for trial in race} == {("choice", spec.split_seed)}
    seeds = {trial.seed for trial in race}
    assert len(seeds) == 3
    assert min(seeds) > spec.list_rerun_trials(spec.architectures[0], theta)[-1].seed


def test_a_race_has_both_numbers_and_a_search() -> None:
    with pytest.raises(UserError, match="finalists and choice-seeds belong together"):
        replace(SWEEP, finalists=4)
    for name in ("finalists", "choice_seeds", "judge"):
        assert name not in SWEEP.as_dict()


def test_halving_expects_whole_numbers_of_trials_at_each_rung() -> None:
    """Of 7 at eta 2, 3 go beyond epoch 5 and 1 beyond epoch 10."""
    halving = replace(SWEEP, scheduler="halving", samples=7, reduction_factor=2.0)
    assert halving.list_rungs() == [5, 10]
    assert halving.compute_expected_epochs() == (7 * 5 + 3 * 5 + 1 * 10) / 7


def test_halving_refuses_tpe_and_a_grace_period_beyond_the_end() -> None:
    with pytest.raises(UserError, match="tpe proposes each from those that have ended; give --scheduler asha or none"):
        replace(SWEEP, scheduler="halving", search="tpe")
    with pytest.raises(UserError, match="grace-period: 21 is above the maximum of 20 epochs"):
        replace(SWEEP, scheduler="halving", grace_period=21)
