import json
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR

from spaces import SPACES, Hyperparameters, TrialSpec, UserError
from spaces.specs.extend import extend
from spaces.specs.recipes import BATCH_SIZE, CIFAR, PLAIN, THETA, TINY_IMAGENET, Recipe, choose_schedule
from spaces.specs.run import RunSpec

TRIAL = TrialSpec("sweep", "conv", "cifar10", "ab", THETA, 0, 0, BATCH_SIZE)
SPACE = SPACES["table-1.2"].describe()
SWEEP = RunSpec("cifar10", "ab", 128, 0, 0, ("conv",), space=SPACE, search="grid", samples=8, max_epochs=12)


def test_the_numbers_of_section_1_5_2() -> None:
    assert Hyperparameters(0.5, 0.85, 1e-4, 1.0) == THETA
    assert BATCH_SIZE == 128
    expected = [0.5] * 60 + [0.1] * 20 + [0.02] * 20 + [0.004] * 20
    assert [CIFAR.decay_lr(0.5, epoch) for epoch in range(1, 121)] == pytest.approx(expected)
    expected = [0.5] * 18 + [0.1] * 12 + [0.02] * 10 + [0.004] * 5
    assert [TINY_IMAGENET.decay_lr(0.5, epoch) for epoch in range(1, 46)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("epochs", "drops"),
    [(120, (60, 80, 100)), (12, (6, 8, 10)), (240, (120, 160, 200)), (10, (5, 7, 9)), (3, (2, 2)), (2, (1,)), (1, ())],
)
def test_scaled(epochs: int, drops: tuple[int, ...]) -> None:
    assert CIFAR.scale_to(epochs).lr_drops == drops
    assert CIFAR.scale_to(epochs).epochs == epochs


@given(st.integers(1, 500))
def test_an_epoch_has_the_rate_of_the_same_fraction_of_the_whole(epochs: int) -> None:
    scaled = CIFAR.scale_to(epochs)
    for epoch in range(1, epochs + 1):
        done = Fraction(epoch - 1, epochs)
        passed = sum(Fraction(drop, 120) <= done for drop in (60, 80, 100))
        assert scaled.decay_lr(1.0, epoch) == pytest.approx(0.2**passed)


def test_no_recipe_leaves_a_trial_as_it_was() -> None:
    assert "recipe" not in TRIAL.as_dict()
    assert "recipe" not in SWEEP.as_dict()
    assert replace(TRIAL, recipe=None).trial_id == TRIAL.trial_id


@pytest.mark.parametrize(
    "recipe",
    [
        CIFAR,
        CIFAR.scale_to(60),
        replace(CIFAR, flip=False),
        replace(CIFAR, crop_padding=0),
        replace(CIFAR, lr_factor=0.1),
    ],
)
def test_a_recipe_is_part_of_the_trial(recipe: Recipe) -> None:
    trial = replace(TRIAL, recipe=recipe)
    assert trial.config_id == TRIAL.config_id
    assert len({trial.trial_id, TRIAL.trial_id, replace(TRIAL, recipe=TINY_IMAGENET).trial_id}) == 3
    assert TrialSpec.from_dict(json.loads(json.dumps(trial.as_dict()))) == trial


def test_a_run_scales_it_to_each_phase() -> None:
    run = replace(SWEEP, recipe=CIFAR, rerun_seeds=1, rerun_epochs=60)
    assert RunSpec.from_dict(json.loads(json.dumps(run.as_dict()))) == run
    assert run.sweep_trial("conv", THETA).recipe == CIFAR.scale_to(12)
    assert [trial.recipe for trial in run.list_rerun_trials("conv", THETA)] == [CIFAR.scale_to(60)]
    assert SWEEP.sweep_trial("conv", THETA).recipe is None


def test_steps_cannot_be_moved() -> None:
    run = replace(SWEEP, recipe=CIFAR, rerun_seeds=1, rerun_epochs=60)
    assert extend(run, replace(run, rerun_seeds=3)).rerun_seeds == 3
    assert extend(replace(run, rerun_seeds=None, rerun_epochs=None), run) == run
    with pytest.raises(UserError, match="epochs is 12 there and 24 here, which would change the schedule of lr"):
        extend(run, replace(run, max_epochs=24))
    with pytest.raises(UserError, match="rerun-epochs is 60 there and 30 here"):
        extend(run, replace(run, rerun_epochs=30))
    with pytest.raises(UserError, match=r"recipe is lr x 0.2 after epochs 60, 80, 100 of 120, random crops"):
        extend(run, replace(run, recipe=TINY_IMAGENET))
    constant = replace(run, recipe=replace(CIFAR, lr_drops=()))
    assert extend(constant, replace(constant, rerun_epochs=90)).rerun_epochs == 90


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs: 0"),
        ({"epochs": 100}, "lr_drops: .* all below the recipe's epochs"),
        ({"lr_drops": [80, 60]}, "in order"),
        ({"lr_drops": [True]}, "lr_drops"),
        ({"lr_drops": [0]}, "from 1 up"),
        ({"lr_drops": "60"}, "is not how invsearch writes"),
        ({"lr_drops": [1] * 101}, "at most 100"),
        ({"lr_factor": 0}, "lr_factor: 0 is not allowed; give a number above 0"),
        ({"lr_factor": float("nan")}, "lr_factor"),
        ({"crop_padding": 65}, "crop_padding"),
        ({"flip": 1}, "flip: 1 is not allowed; give true or false"),
        ({"more": 1}, "is not how invsearch writes"),
        ({"schedule": None}, "is not how invsearch writes"),
        ({"schedule": "linear"}, "schedule: 'linear' is not allowed; give one of cosine"),
        ({"schedule": "cosine"}, "cosine has no drops; leave lr_drops empty"),
    ],
)
def test_refuses_what_is_no_recipe(change: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Recipe.from_dict({**CIFAR.as_dict(), **change})
    for content in (replace(TRIAL, recipe=CIFAR).as_dict(), replace(SWEEP, recipe=CIFAR).as_dict()):
        kind = TrialSpec if "trial_id" in content else RunSpec
        with pytest.raises(UserError, match=message):
            kind.from_dict({**content, "recipe": {**CIFAR.as_dict(), **change}})


def test_schedules_in_closed_form() -> None:
    cosine = choose_schedule(None, "cosine", 4)
    assert cosine is not None
    assert [cosine.decay_lr(0.1, epoch) for epoch in (1, 2, 3, 4)] == pytest.approx(
        [0.1, 0.1 * (2 + math.sqrt(2)) / 4, 0.05, 0.1 * (2 - math.sqrt(2)) / 4]
    )
    steps = choose_schedule(None, "steps", 12)
    assert steps is not None
    assert [steps.decay_lr(1.0, epoch) for epoch in range(1, 13)] == pytest.approx(
        [1.0] * 6 + [0.2] * 2 + [0.04] * 2 + [0.008] * 2
    )
    assert choose_schedule(None, "constant", 4) is None


@pytest.mark.parametrize("epochs", [1, 2, 7, 20])
def test_schedules_are_those_of_torch(epochs: int) -> None:
    def list_rates(make: Callable[[torch.optim.SGD], LRScheduler]) -> list[float]:
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        scheduler, found = make(optimiser), []
        for _ in range(epochs):
            found.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            scheduler.step()
        return found

    drops = [math.ceil(Fraction(sixths * epochs, 6)) for sixths in (3, 4, 5)]
    for name, rates in {
        "cosine": list_rates(lambda optimiser: CosineAnnealingLR(optimiser, T_max=epochs)),
        "steps": list_rates(lambda optimiser: MultiStepLR(optimiser, drops, gamma=0.2)),
    }.items():
        recipe = choose_schedule(None, name, epochs)
        assert recipe is not None
        assert [recipe.decay_lr(0.3, epoch) for epoch in range(1, epochs + 1)] == pytest.approx(rates)


def test_a_schedule_leaves_crops_and_flips_and_knows_the_recipes_own_drops() -> None:
    for schedule in ("constant", "cosine", "steps"):
        recipe = choose_schedule(TINY_IMAGENET, schedule, 9)
        assert recipe is not None
        assert (recipe.crop_padding, recipe.flip, recipe.epochs) == (4, True, 9)
    assert choose_schedule(TINY_IMAGENET, "steps", 45) == TINY_IMAGENET
    assert choose_schedule(None, "steps", 120) == replace(CIFAR, crop_padding=0, flip=False)
    assert str(choose_schedule(None, "cosine", 9)) == "lr falls as a cosine over 9 epochs"
    assert str(choose_schedule(TINY_IMAGENET, "constant", 9)) == "random crops with padding 4, horizontal flips"


def test_only_a_cosine_is_a_field_of_a_recipe() -> None:
    assert "schedule" not in CIFAR.as_dict()
    cosine = replace(PLAIN, schedule="cosine")
    assert cosine.as_dict()["schedule"] == "cosine"
    assert Recipe.from_dict(cosine.as_dict()) == cosine


def test_a_searched_schedule_is_the_trials_recipe_at_the_length_of_each_phase() -> None:
    space = {**SPACE, "batch_size": {"choice": [16, 32]}, "schedule": {"choice": ["constant", "cosine"]}}
    run = replace(SWEEP, space=space, rerun_seeds=1, rerun_epochs=60)
    theta = Hyperparameters(0.1, 0.5, 1e-5, 1.5, schedule="cosine", batch_size=32)
    swept, again = run.sweep_trial("conv", theta), run.list_rerun_trials("conv", theta)[0]
    assert swept.recipe == replace(PLAIN, epochs=12, schedule="cosine")
    assert again.recipe == replace(PLAIN, epochs=60, schedule="cosine")
    assert swept.config_id == again.config_id
    assert swept.batch_size == again.batch_size == 32
    assert TrialSpec.from_dict(json.loads(json.dumps(swept.as_dict()))) == swept
    constant = Hyperparameters.from_mapping({**theta, "schedule": "constant"})
    assert run.sweep_trial("conv", constant).recipe is None
    for name, asked in (("epochs", replace(run, max_epochs=24)), ("rerun-epochs", replace(run, rerun_epochs=30))):
        with pytest.raises(UserError, match=f"{name} is .* here, which would change the schedule of lr"):
            extend(run, asked)
    flat = replace(run, space={**space, "schedule": {"choice": ["constant"]}})
    assert extend(flat, replace(flat, max_epochs=24)).max_epochs == 24


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.integers())


@given(st.dictionaries(st.sampled_from(list(CIFAR.as_dict())) | st.text(max_size=5), JSON, min_size=1, max_size=3))
def test_any_change_gives_a_recipe_or_a_user_error_of_one_line(change: dict) -> None:
    content = {**CIFAR.as_dict(), **change}
    try:
        recipe = Recipe.from_dict(content)
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both outcomes are allowed.
        assert len(str(error)) < 300  # noqa: PT017
    else:
        assert recipe.as_dict() == content
