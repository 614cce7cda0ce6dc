"""What every engine promises, for every architecture, against torch autograd in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import models
from models.native import NativeNetwork
from search.datasets import Split
from search.storage import checkpoint
from search.training.loop import Training
from spaces import Hyperparameters, TrialSpec
from spaces.specs.recipes import choose_schedule

THETA = Hyperparameters(lr=0.02, momentum=0.9, weight_decay=1e-3, gain=1.0)
STEPS, BATCH = 10, 3  # Few images: each has tens of thousands of ReLUs and maxima that rounding may flip.
DRAWS = 3


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, count)


def on_most_draws(check: Callable[[int], None]) -> None:
    """Passes if the check fails for at most one of a few draws of the data.

    Rounding may flip a ReLU or the maximum of a window, where the gradient jumps; that is rare and no mistake.
    """
    failures = []
    for draw in range(DRAWS):
        try:
            check(draw)
        except AssertionError as failure:
            failures.append(failure)
    if len(failures) > 1:
        raise failures[-1]


def distance(ours: Tensor | np.ndarray, theirs: Tensor) -> float:
    """Of two arrays, relative to the norm of the second."""
    difference = torch.linalg.vector_norm(torch.as_tensor(ours).double() - theirs.double())
    return float(difference / torch.linalg.vector_norm(theirs.double()))


def reference(trial: TrialSpec, x: np.ndarray, y: np.ndarray, order: Tensor) -> tuple[float, nn.Module]:
    """SGD written out from its definition, v <- m v + (g + wd w), w <- w - lr v, in float64."""
    theta = trial.theta
    network = models.build(trial.architecture, gain=theta.gain, seed=trial.seed).double()
    velocity = [torch.zeros_like(p) for p in network.parameters()]
    total = 0.0
    for chosen in order.split(trial.batch_size):
        loss = F.cross_entropy(network(torch.from_numpy(x)[chosen].double()), torch.from_numpy(y)[chosen])
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        total += loss.item() * len(chosen)
        with torch.no_grad():
            for weight, gradient, v in zip(network.parameters(), gradients, velocity, strict=True):
                v.mul_(theta.momentum).add_(gradient + theta.weight_decay * weight)
                weight -= theta.lr * v
    return total / len(order), network


@pytest.fixture(params=list(models.ARCHITECTURES))
def spec(request: pytest.FixtureRequest, trial: TrialSpec) -> TrialSpec:
    return replace(trial, architecture=request.param, theta=THETA, batch_size=BATCH)


def test_ten_steps_agree_with_float64(spec: TrialSpec, engine: str) -> None:
    def check(draw: int) -> None:
        x, y = images(STEPS * BATCH - 1, draw)  # The last batch is not full.
        training = Training(spec, Split(x, y, x[:30], y[:30]), engine=engine)
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(draw))
        loss = training.engine.train(order)
        expected, network = reference(spec, x, y, order)
        assert loss == pytest.approx(expected, rel=1e-4)
        for ours, theirs in zip(training.network.parameters(), network.parameters(), strict=True):
            assert distance(ours.detach(), theirs.detach()) < 1e-4
        judged, accuracy = training.engine.judge()
        with torch.no_grad():
            scores = network(torch.from_numpy(x[:30]).double())
        assert judged == pytest.approx(F.cross_entropy(scores, torch.from_numpy(y[:30])).item(), rel=1e-3)
        assert accuracy == pytest.approx((scores.argmax(1).numpy() == y[:30]).mean())
        assert training.engine.predict().tolist() == scores.argmax(1).tolist()

    on_most_draws(check)


def test_predictions_are_those_that_were_judged(spec: TrialSpec, engine: str, split: Split) -> None:
    training = Training(spec, split, engine=engine)
    for _ in range(2):
        epoch = training.run_epoch()
        predicted, kept = training.engine.predict(), training.predict()
        assert (predicted.dtype, predicted.shape) == (np.int64, split.eval_y.shape)
        assert (predicted == split.eval_y).sum() / len(split.eval_y) == epoch.accuracy
        wrong = np.where(predicted == split.eval_y, 0, 1 + predicted)
        assert kept.read() == tuple(wrong)


def gradients(engine: str, spec: TrialSpec, x: np.ndarray, y: np.ndarray) -> list[Tensor]:
    network = models.build(spec.architecture, gain=1.0, seed=spec.seed)
    if engine == "native":
        native = NativeNetwork(models.describe_architecture(spec.architecture, x.shape[1:]), network, x.shape[1:])
        # The momentum buffers hold the gradients after a first step.
        momenta: dict[Tensor, Tensor] = {p: torch.zeros_like(p) for p in network.parameters()}
        step = {"batch_size": len(y), "lr": 0.0, "momentum": 0.9, "weight_decay": 0.0}
        native.train(x, y, np.arange(len(y)), **step, momenta=momenta)
        return list(momenta.values())
    network.to(memory_format=torch.channels_last)  # pyright: ignore
    loss = F.cross_entropy(network(torch.from_numpy(x)), torch.from_numpy(y))
    return list(torch.autograd.grad(loss, list(network.parameters())))


def test_gradients_agree_with_float64(spec: TrialSpec, engine: str) -> None:
    def check(draw: int) -> None:
        x, y = images(19, draw)
        network = models.build(spec.architecture, gain=1.0, seed=spec.seed).double()
        loss = F.cross_entropy(network(torch.from_numpy(x).double()), torch.from_numpy(y))
        expected = torch.autograd.grad(loss, list(network.parameters()))
        for ours, theirs in zip(gradients(engine, spec, x, y), expected, strict=True):
            assert distance(ours, theirs) < 1e-5

    on_most_draws(check)


def test_the_same_seed_gives_the_same_bits(spec: TrialSpec, engine: str, split: Split) -> None:
    def run() -> list[Tensor]:
        training = Training(spec, split, engine=engine)
        epoch = training.run_epoch()
        numbers = [torch.tensor(epoch.train_loss), torch.tensor(epoch.loss)]
        return numbers + list(training.network.state_dict().values())

    assert all(torch.equal(one, other) for one, other in zip(run(), run(), strict=True))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_checkpoints_interchange(spec: TrialSpec, engine: str, momentum: float, split: Split, tmp_path: Path) -> None:
    """Another engine goes on from the checkpoint of this one, and its next step is the one this one would make."""
    spec = replace(spec, theta=Hyperparameters(**{**THETA, "momentum": momentum}))
    one = Training(spec, split, engine=engine)
    one.run_epoch()
    checkpoint.save(tmp_path / "c.pt", one.capture_state(), {})
    other = Training(spec, split, engine={"native": "torch", "torch": "auto"}[engine])
    other.load_state(checkpoint.load(tmp_path / "c.pt")[0])
    steps = []
    for training in (one, other):
        before = torch.cat([p.detach().flatten() for p in training.network.parameters()])
        training.engine.train(torch.arange(BATCH))
        steps.append(torch.cat([p.detach().flatten() for p in training.network.parameters()]) - before)
    assert distance(*steps) < 1e-2
    assert one.run_epoch().epoch == other.run_epoch().epoch == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_bad_pixels_diverge(spec: TrialSpec, engine: str, bad: float, split: Split) -> None:
    train_x = split.train_x.copy()
    train_x[3, 0, 5, 5] = bad
    epoch = Training(spec, replace(split, train_x=train_x), engine=engine).run_epoch()
    assert epoch.diverged
    assert math.isnan(epoch.accuracy)


def test_an_unstable_learning_rate_diverges(spec: TrialSpec, engine: str, split: Split) -> None:
    spec = replace(spec, theta=Hyperparameters(**{**THETA, "lr": 1e30}))
    training = Training(spec, split, engine=engine)
    assert training.run_epoch().diverged
    assert training.run_epoch().diverged  # From weights that are no numbers.


@pytest.mark.parametrize("size", [1, 15, 16, 17, 70])
def test_any_batch_size(trial: TrialSpec, engine: str, size: int, split: Split) -> None:
    spec = replace(trial, batch_size=size, theta=THETA)
    order = torch.arange(len(split.train_y))
    loss = Training(spec, split, engine=engine).engine.train(order)
    assert loss == pytest.approx(reference(spec, split.train_x, split.train_y, order)[0], rel=1e-4)


def test_says_what_it_is(spec: TrialSpec, engine: str, split: Split) -> None:
    identity = Training(spec, split, engine=engine).engine.describe()
    assert identity["engine"] == engine
    assert identity["instruction_set"]
    assert identity["engine_version"]


def test_a_schedule_and_a_batch_size_are_those_of_the_configuration(
    trial: TrialSpec, engine: str, split: Split
) -> None:
    """Three epochs of a cosine are as three at its rates, set by hand."""
    searched = Hyperparameters.from_mapping({**THETA, "batch_size": BATCH, "schedule": "cosine"})
    recipe = choose_schedule(None, "cosine", 3)
    training = Training(replace(trial, theta=searched, batch_size=BATCH, recipe=recipe), split, engine=engine)
    by_hand = Training(replace(trial, theta=THETA, batch_size=BATCH), split, engine=engine)
    for rate in (THETA.lr, 0.75 * THETA.lr, 0.25 * THETA.lr):
        by_hand.spec = replace(by_hand.spec, theta=Hyperparameters(**{**THETA, "lr": rate}))
        ours, theirs = training.run_epoch(), by_hand.run_epoch()
        assert training.optimiser.param_groups[0]["lr"] == pytest.approx(rate, rel=1e-15)
        assert (ours.train_loss, ours.loss) == pytest.approx((theirs.train_loss, theirs.loss), rel=1e-6)
