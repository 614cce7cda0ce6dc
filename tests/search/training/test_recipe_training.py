"""Training under a recipe: batch norm and dropout, interrupted and resumed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import models
from models.description import Conv, MaxPool, Relu, Reshuffle, Shape, Unravel
from search.datasets import Split
from search.datasets.split import Scaling
from search.storage import checkpoint
from search.training.engines import EngineChoice, Problem
from search.training.engines.torch_engine import MixedEngine
from search.training.loop import Epoch, Training
from spaces import Hyperparameters, TrialSpec, UserError
from spaces.specs.recipes import CIFAR, THETA, choose_schedule

SCALING = Scaling((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
RECIPE = CIFAR.scale_to(4)  # Steps after epochs 2 and 3.
TRIAL = TrialSpec("rerun", "normed", "folder-test", "ab", Hyperparameters(**{**THETA, "lr": 0.1}), 3, None, 32, RECIPE)


@dataclass(frozen=True)
class Made:
    """A layer that keeps the shape, made by torch."""

    make: type[nn.Module]

    def shape_after(self, shape: Shape) -> Shape:
        return shape

    def build(self, shape: Shape, gain: float, generator: torch.Generator) -> nn.Module:
        return nn.BatchNorm2d(shape[0]) if self.make is nn.BatchNorm2d else nn.Dropout(0.3)


@pytest.fixture(autouse=True)
def normed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An architecture of convolution, batch norm and dropout; the signature of ``describe`` does not matter."""
    layers = {
        "conv1": Conv(4),
        "norm1": Made(nn.BatchNorm2d),
        "relu1": Relu(),
        "pool1": MaxPool(),
        "drop1": Made(nn.Dropout),
        "unravel": Unravel(),
        "out": Reshuffle(10),
    }
    original = models.ARCHITECTURES["conv"]
    monkeypatch.setitem(models.ARCHITECTURES, "normed", replace(original, title="Normed", describe=lambda *_: layers))


@pytest.fixture(scope="module")
def split() -> Split:
    """160 + 40 images of noise, brighter from class to class."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 200)
    x = (rng.integers(0, 76, (200, 3, 32, 32)) + 20 * y[:, None, None, None]).astype(np.uint8)
    return Split(x[:160], y[:160], x[160:], y[160:], SCALING, 10)


def numbers(epoch: Epoch) -> tuple[float, float, float]:
    return epoch.train_loss, epoch.loss, epoch.accuracy


def state(training: Training) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in training.network.state_dict().items()}


def same(one: Training, other: Training) -> bool:
    return all(torch.equal(value, state(other)[name]) for name, value in state(one).items())


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_resumed_training_is_bitwise_the_undisturbed_one(split: Split, tmp_path: Path, after: int) -> None:
    through = Training(TRIAL, split)
    expected = [numbers(through.run_epoch()) for _ in range(4)]
    interrupted = Training(TRIAL, split)
    assert [numbers(interrupted.run_epoch()) for _ in range(after)] == expected[:after]
    checkpoint.save(tmp_path / "c", interrupted.capture_state(), {})
    torch.manual_seed(1234)  # Another process has other generators.
    torch.rand(7)
    resumed = Training(TRIAL, split)
    resumed.load_state(checkpoint.load(tmp_path / "c")[0])
    assert [numbers(resumed.run_epoch()) for _ in range(4 - after)] == expected[after:]
    assert same(through, resumed)
    assert int(resumed.network.norm1.num_batches_tracked) == 4 * 5  # pyright: ignore
    assert not torch.equal(resumed.network.norm1.running_mean, torch.zeros(4))  # pyright: ignore


@pytest.mark.parametrize("name", ["invA+invC-B-w2", "invAll-C-w1", "scatnetB-w1"])
def test_a_resumed_training_of_the_families_is_bitwise_the_undisturbed_one(
    split: Split, tmp_path: Path, name: str
) -> None:
    """Upsampling, fixed kernels, learned 3x3 mixings, invariant layers before dropout."""
    few = replace(split, train_x=split.train_x[:41], train_y=split.train_y[:41])  # The last batch has nine images.
    trial = replace(TRIAL, architecture=name)
    through = Training(trial, few)
    expected = [numbers(through.run_epoch()) for _ in range(3)]
    interrupted = Training(trial, few)
    interrupted.run_epoch()
    checkpoint.save(tmp_path / "c", interrupted.capture_state(), {})
    torch.manual_seed(1234)
    resumed = Training(trial, few)
    resumed.load_state(checkpoint.load(tmp_path / "c")[0])
    assert [numbers(resumed.run_epoch()) for _ in range(2)] == expected[1:]
    assert same(through, resumed)


def test_the_learning_rate_falls_by_epoch(split: Split) -> None:
    training = Training(TRIAL, split)
    rates = []
    for _ in range(4):
        training.run_epoch()
        rates.append(training.optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([0.1, 0.1, 0.02, 0.004 * 1])


def test_judging_neither_draws_nor_moves_statistics(split: Split) -> None:
    training = Training(TRIAL, split)
    training.run_epoch()
    before = state(training)
    assert training.engine.judge() == training.engine.judge()
    assert all(torch.equal(value, before[name]) for name, value in state(training).items())
    network = training.network.eval()
    mean, std = (torch.tensor(values)[:, None, None] for values in (SCALING.mean, SCALING.std))
    with torch.no_grad():
        scores = network((torch.tensor(split.eval_x) / 255 - mean) / std)
    loss, accuracy = training.engine.judge()
    assert loss == pytest.approx(nn.functional.cross_entropy(scores, torch.tensor(split.eval_y)).item(), rel=1e-4)
    assert accuracy == pytest.approx((scores.argmax(1).numpy() == split.eval_y).mean())


def test_the_recipe_decides_what_is_computed(split: Split) -> None:
    def loss(recipe: object) -> float:
        return Training(replace(TRIAL, recipe=recipe), split).run_epoch().train_loss

    plain = replace(RECIPE, crop_padding=0, flip=False)
    losses = [loss(recipe) for recipe in (RECIPE, replace(RECIPE, flip=False), replace(RECIPE, crop_padding=0), plain)]
    assert len(set(losses)) == 4


def test_it_learns(split: Split) -> None:
    training = Training(replace(TRIAL, recipe=CIFAR.scale_to(12)), split)
    epochs = [training.run_epoch() for _ in range(12)]
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert all(math.isfinite(epoch.loss) for epoch in epochs)


def test_images_are_only_read(split: Split) -> None:
    for array in (split.train_x, split.eval_x):
        array.flags.writeable = False
    Training(TRIAL, split).run_epoch()


def test_engines_under_a_recipe() -> None:
    assert EngineChoice("auto", "cpu", augments=True).name_for("conv") == "torch"
    assert EngineChoice("auto", "cuda", augments=True).name_for("conv") == "mixed"
    assert EngineChoice("torch", "cuda", augments=True).name_for("conv") == "torch"
    assert EngineChoice("mixed", "cuda").name_for("conv") == "mixed"
    with pytest.raises(UserError, match="neither crops nor flips"):
        EngineChoice("native", "cpu", augments=True).name_for("conv")
    with pytest.raises(UserError, match="engine mixed: it runs on GPUs only"):
        EngineChoice("mixed", "cpu").name_for("conv")
    assert "mixed precision (--engine torch for float32)" in EngineChoice("auto", "cuda", augments=True).announce()
    assert "neither crops nor flips" in EngineChoice("auto", "cpu", augments=True).announce()


def test_mixed_precision_is_near_float32(split: Split) -> None:
    """Its arithmetic, which a CPU has too: one epoch in bfloat16 beside one in float32."""
    exact = Training(TRIAL, split)
    mixed = Training(TRIAL, split)
    mixed.engine = MixedEngine(Problem(TRIAL, split, {}, mixed.network, mixed.optimiser, mixed.device))
    one, other = exact.run_epoch(), mixed.run_epoch()
    assert one.train_loss != other.train_loss
    assert one.train_loss == pytest.approx(other.train_loss, rel=0.05)
    assert mixed.engine.describe()["instruction_set"] == "cpu bfloat16"
    assert all(value.dtype in (torch.float32, torch.int64) for value in mixed.network.state_dict().values())
    mixed.engine.load_state(mixed.engine.capture_state())


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ("constant", [1.0, 1.0, 1.0, 1.0]),
        ("cosine", [1.0, (2 + math.sqrt(2)) / 4, 0.5, (2 - math.sqrt(2)) / 4]),
        ("steps", [1.0, 1.0, 0.2, 0.04]),
    ],
)
def test_the_optimiser_gets_the_rates_of_a_schedule(split: Split, schedule: str, factors: list[float]) -> None:
    theta = Hyperparameters.from_mapping({**THETA, "schedule": schedule})
    training = Training(replace(TRIAL, theta=theta, recipe=choose_schedule(CIFAR, schedule, 4)), split)
    rates = []
    for _ in range(4):
        training.run_epoch()
        rates.append(training.optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([0.5 * factor for factor in factors])
