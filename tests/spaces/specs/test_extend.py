import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces import SPACES, Hyperparameters, UserError, make_space
from spaces.specs.extend import explain_kept, extend, list_lengthened
from spaces.specs.run import RunSpec


def described(name: str = "small", **choices: Any) -> dict[str, Any]:
    return make_space({"lr": 0.1, "momentum": 0, "weight_decay": 0, "gain": 1, "name": name} | choices, "").describe()


def choice(*values: float) -> dict[str, list[float]]:
    return {"choice": list(values)}


THETA = Hyperparameters(0.1, 0.5, 1e-5, 1.5)
SMALL = described("small", lr=choice(0.1, 0.2), momentum=choice(0.0, 0.5))
WIDE = described("wide", lr=choice(0.05, 0.1, 0.2), momentum=choice(0.0, 0.5, 0.9), gain=choice(1, 2))
OTHER = described("other", lr=choice(0.1, 0.3), momentum=choice(0.0, 0.5))
SWEEP = RunSpec("digits", "ab", 16, 0, 0, ("conv",), space=SMALL, search="grid", samples=4)
TPE = replace(SWEEP, search="tpe", space=SPACES["continuous"].describe(), samples=64)
FIXED = RunSpec("digits", "ab", 16, 0, 0, ("conv",), thetas={"conv": THETA.as_dict()}, rerun_seeds=2, rerun_epochs=3)


def refusal(spec: RunSpec, asked: RunSpec) -> str:
    with pytest.raises(UserError) as error:
        extend(spec, asked)
    message = str(error.value)
    assert message.startswith("the run folder holds another run: ")
    assert message.endswith("; give another --out, or the same settings")
    assert "\n" not in message
    return message


def test_a_run_is_extended_by_architectures_samples_and_seeds() -> None:
    asked = replace(SWEEP, architectures=("invariant", "conv"), samples=2, rerun_seeds=10, rerun_epochs=20)
    whole = extend(SWEEP, asked)
    assert whole.architectures == ("conv", "invariant")
    assert (whole.samples, whole.rerun_seeds, whole.rerun_epochs) == (4, 10, 20)
    assert extend(whole, SWEEP) == whole
    assert explain_kept(whole, asked) == ["already asks for 4 samples, so not 2"]
    assert explain_kept(whole, SWEEP) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "mnist"),
        ("data_hash", "cd"),
        ("batch_size", 64),
        ("seed", 1),
        ("split_seed", 1),
        ("search", "tpe"),
        ("scheduler", "none"),
        ("grace_period", 2),
        ("reduction_factor", 2.0),
    ],
)
def test_a_contradiction_is_refused_with_the_difference(field: str, value: object) -> None:
    message = refusal(SWEEP, replace(SWEEP, **{field: value}))
    assert f"{field.replace('_', '-')} is " in message
    assert " there and " in message


def test_what_only_one_has_is_none() -> None:
    assert "search is grid there and none here" in refusal(SWEEP, FIXED)


@pytest.mark.parametrize("scheduler", ["asha", "none"])
def test_epochs_of_a_grid_search_and_of_reruns_may_become_more(scheduler: str) -> None:
    short = replace(SWEEP, scheduler=scheduler, rerun_seeds=2, rerun_epochs=10)
    long = extend(short, replace(short, max_epochs=80, rerun_epochs=30))
    assert (long.max_epochs, long.rerun_epochs) == (80, 30)
    assert list_lengthened(long, short) == ("sweep", "rerun")
    assert extend(long, short) == long
    assert explain_kept(long, short) == [
        "already asks for 80 epochs, so not 20",
        "already asks for 30 rerun-epochs, so not 10",
    ]
    assert list_lengthened(long, long) == list_lengthened(short, SWEEP) == ()
    assert list_lengthened(replace(short, rerun_epochs=30), short) == ("rerun",)


def test_another_grace_period_is_a_contradiction_unless_it_is_cut_short_by_fewer_epochs() -> None:
    short = replace(SWEEP, max_epochs=3, grace_period=3)
    assert "grace-period is 3 there and 5 here" in refusal(short, replace(SWEEP, max_epochs=20))
    assert extend(SWEEP, short) == SWEEP
    assert "grace-period is 5 there and 2 here" in refusal(SWEEP, replace(short, grace_period=2))


@pytest.mark.parametrize("epochs", [10, 40])
def test_tpe_keeps_its_epochs(epochs: int) -> None:
    message = refusal(TPE, replace(TPE, max_epochs=epochs))
    assert f"epochs is 20 there and {epochs} here, and tpe made its proposals from accuracies after 20" in message


def test_tpe_keeps_its_space_but_not_its_name() -> None:
    renamed = replace(TPE, space={**SPACES["continuous"].describe(), "name": "mine"})
    assert extend(TPE, renamed) == TPE
    message = refusal(TPE, replace(TPE, space={**SPACES["continuous"].describe(), "gain": {"uniform": [0.5, 3.0]}}))
    assert "gain is {uniform: [0.5, 2]} there and {uniform: [0.5, 3]} here; tpe drew its configurations from" in message
    assert "lr" not in message
    grid = replace(SWEEP, search="tpe")
    assert "momentum is {choice: [0, 0.5]} there and {choice: [0, 0.5, 0.9]} here" in refusal(
        grid, replace(grid, space=WIDE)
    )


def test_a_grid_may_grow() -> None:
    wide = extend(SWEEP, replace(SWEEP, space=WIDE, samples=18))
    assert (wide.space, wide.samples) == (WIDE, 18)
    assert wide.earlier == ({"space": SMALL, "samples": 4},)
    assert wide.count_planned("conv") == len(wide.list_points("conv")) == len(set(wide.list_points("conv"))) == 18
    assert wide.list_points("conv")[:4] == SWEEP.list_points("conv")
    assert RunSpec.from_dict(json.loads(json.dumps(wide.as_dict()))) == wide


def test_whoever_repeats_the_older_command_gets_the_larger_grid() -> None:
    wide = extend(SWEEP, replace(SWEEP, space=WIDE, samples=18))
    assert extend(wide, SWEEP) == wide
    assert explain_kept(wide, SWEEP) == [
        "already asks for 18 samples, so not 4",
        "already searches space wide, so not only its part small",
    ]


def test_the_same_values_are_the_same_grid_whatever_their_name_and_order() -> None:
    turned = replace(SWEEP, space=described("turned", lr=choice(0.2, 0.1), momentum=choice(0.5, 0.0)))
    assert extend(SWEEP, turned) == SWEEP
    assert explain_kept(SWEEP, turned) == []


def test_a_larger_grid_with_fewer_samples_keeps_those_of_the_smaller() -> None:
    wide = extend(SWEEP, replace(SWEEP, space=WIDE, samples=2))
    assert wide.list_points("conv") == SWEEP.list_points("conv")
    assert explain_kept(wide, replace(SWEEP, space=WIDE, samples=2)) == ["already asks for 4 samples, so not 2"]


def test_grids_that_do_not_contain_one_another_name_what_they_lack() -> None:
    message = refusal(SWEEP, replace(SWEEP, space=OTHER))
    assert "lr lacks 0.3 there and 0.2 here; a grid can only grow into one that has all its values" in message
    assert "momentum" not in message
    many = described("many", lr=choice(*(i + 1 for i in range(900))))
    assert len(refusal(SWEEP, replace(SWEEP, space=many))) < 500


def test_grids_that_are_too_large_together_are_refused() -> None:
    half = described("half", lr=choice(*(i + 1 for i in range(600_000))))
    more = described("more", lr=choice(*(i + 1 for i in range(600_001))))
    with pytest.raises(UserError, match="with the earlier ones, it has more than 1,000,000 points; give another --out"):
        extend(replace(SWEEP, space=half, samples=3), replace(SWEEP, space=more))


def test_fixed_configurations_may_be_added_but_not_changed() -> None:
    other = Hyperparameters(0.2, 0.5, 1e-5, 1.5).as_dict()
    added = replace(FIXED, architectures=("invariant",), thetas={"invariant": other})
    assert extend(FIXED, added).thetas == {"conv": THETA.as_dict(), "invariant": other}
    assert explain_kept(extend(FIXED, replace(FIXED, rerun_seeds=1)), replace(FIXED, rerun_seeds=1)) == [
        "already asks for 2 seeds, so not 1"
    ]
    assert "theta of conv is {lr: 0.1" in refusal(FIXED, replace(FIXED, thetas={"conv": other}))
    near = THETA.as_dict() | {"lr": 0.1 + 1e-9}
    assert "{lr: 0.100000001," in refusal(FIXED, replace(FIXED, thetas={"conv": near}))


def test_a_search_and_fixed_configurations_do_not_mix() -> None:
    assert "one is a search and the other trains fixed" in refusal(SWEEP, FIXED)
    assert "one is a search and the other trains fixed" in refusal(FIXED, SWEEP)


def test_a_grid_of_further_names_may_grow_but_no_name_comes_or_goes() -> None:
    small = replace(SWEEP, space=described(batch_size=choice(16, 32), schedule={"choice": ["cosine"]}), samples=9)
    wide = replace(small, space=described(batch_size={"randint": [16, 32]}, schedule={"choice": ["steps", "cosine"]}))
    grown = extend(small, replace(wide, samples=34))
    assert grown.list_points("conv")[:2] == small.list_points("conv")
    assert len(set(grown.list_points("conv"))) == grown.count_planned("conv") == 34
    message = refusal(small, SWEEP)
    assert "batch_size is searched only there; schedule is searched only there; lr lacks 0.2 there" in message
    assert "batch_size is searched only here" in refusal(SWEEP, small)
    words = replace(small, space=described(batch_size=choice(16, 32), schedule={"choice": ["constant"]}))
    assert "schedule lacks constant there and cosine here" in refusal(small, words)


def test_a_random_search_grows_by_further_draws_and_keeps_its_space() -> None:
    drawn = replace(TPE, search="random", samples=8)
    whole = extend(drawn, replace(drawn, samples=12, max_epochs=40))
    assert (whole.samples, whole.max_epochs) == (12, 40)
    assert whole.list_points("conv")[:8] == drawn.list_points("conv") == SPACES["continuous"].draw(8, drawn.seed)
    other = replace(drawn, space=SPACES["table-1.2"].describe())
    assert "random drew its configurations from the space there, so it cannot change" in refusal(drawn, other)
    assert "search is random there and tpe here" in refusal(drawn, TPE)


def test_tpe_names_the_further_ones_that_differ() -> None:
    sizes = [described(lr={"uniform": [0.1, 1]}, batch_size={"randint": [8, high]}) for high in (64, 32)]
    message = refusal(*(replace(TPE, space=space) for space in sizes))
    assert "batch_size is {randint: [8, 64]} there and {randint: [8, 32]} here; tpe drew" in message


def grids() -> st.SearchStrategy[dict[str, Any]]:
    def some(*values: float) -> st.SearchStrategy[dict[str, list[float]]]:
        return st.lists(st.sampled_from(values), min_size=1, unique=True).map(lambda chosen: choice(*chosen))

    return st.builds(
        described,
        st.sampled_from(["a", "b"]),
        lr=some(0.1, 0.2, 0.3),
        momentum=some(0.0, 0.5, 0.9),
        weight_decay=some(0.0, 1e-4),
        gain=some(1.0, 2.0),
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(grids(), st.integers(1, 40)), min_size=1, max_size=5), st.integers(0, 3))
def test_every_extension_begins_with_what_was_tried_before(asked: list[tuple[dict[str, Any], int]], seed: int) -> None:
    steps = [replace(SWEEP, space=space, samples=samples, seed=seed) for space, samples in asked]
    run = steps[0]
    for step in steps[1:]:
        try:
            whole = extend(run, step)
        except UserError:
            assert not run.searched.fits_within(step.searched)
            assert not step.searched.fits_within(run.searched)
            continue
        before, after = run.list_points("conv"), whole.list_points("conv")
        assert after[: len(before)] == before
        assert len(after) == len(set(after)) == whole.count_planned("conv")
        assert all(theta in whole.searched for theta in after)
        assert set(step.searched.walk(seed)) <= set(whole.searched.walk(seed))
        assert extend(whole, run) == extend(whole, step) == whole
        assert RunSpec.from_dict(json.loads(json.dumps(whole.as_dict()))) == whole
        run = whole
    if not run.earlier:
        assert run.list_points("conv") == list(run.searched.walk(seed))[: run.samples]


@pytest.mark.parametrize(
    ("earlier", "message"),
    [
        (None, "earlier: None is not allowed"),
        ([5], "earlier: 5 is not allowed; give space and samples"),
        ([{"space": SMALL}], "give space and samples"),
        ([{"space": SMALL, "samples": 0}], "earlier: samples: 0 is not allowed"),
        ([{"space": SMALL, "samples": True}], "earlier: samples: True is not allowed"),
        ([{"space": {}, "samples": 1}], "earlier: missing fields lr"),
        ([{"space": SMALL, "samples": 5}], "earlier: 'small' did not grow into 'wide'"),
        ([{"space": WIDE, "samples": 1}], "earlier: 'wide' did not grow into 'wide'"),
        ([{"space": OTHER, "samples": 1}], "earlier: 'other' did not grow into 'wide'"),
        ([{"space": SMALL, "samples": 1}] * 2, "earlier: 'small' did not grow into 'small'"),
        ([{"space": SPACES["continuous"].describe(), "samples": 1}], "are continuous"),
    ],
)
def test_earlier_grids_that_did_not_grow_are_refused(earlier: object, message: str) -> None:
    content = replace(SWEEP, space=WIDE, samples=18).as_dict() | {"earlier": earlier}
    with pytest.raises(UserError) as error:
        RunSpec.from_dict(content)
    assert str(error.value).startswith("spec.json: ")
    assert message in str(error.value)


def test_only_a_grid_search_has_earlier_grids() -> None:
    with pytest.raises(UserError, match="only a grid search has earlier grids"):
        replace(TPE, earlier=({"space": SMALL, "samples": 1},))
    with pytest.raises(UserError, match="only a grid search has earlier grids"):
        replace(FIXED, earlier=({"space": SMALL, "samples": 1},))


def test_a_run_that_searches_batch_sizes_may_have_been_begun_with_another_fixed_one() -> None:
    """Such an option was ignored once, and is refused now."""
    sizes = described("sizes", lr=choice(0.1, 0.2), batch_size=choice(8, 16))
    begun = replace(SWEEP, space=sizes, batch_size=64)
    assert extend(begun, replace(begun, batch_size=16)) == begun
    theta = {"conv": {**THETA.as_dict(), "batch_size": 8}}
    given = replace(FIXED, thetas=theta, batch_size=64)
    assert extend(given, replace(given, batch_size=16)) == given
    other = replace(FIXED, architectures=("dct",), thetas={"dct": THETA.as_dict()})
    assert "batch-size is 64 there and 16 here" in refusal(given, other)
