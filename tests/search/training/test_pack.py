"""Every lane of a pack is a trial as if alone: each architecture, several sizes, mixed thetas, one that diverges."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

import models
from search.datasets import Split
from search.storage import checkpoint
from search.training import pack as packing
from search.training.loop import Epoch, Training
from search.training.pack import PackTraining
from spaces import Hyperparameters, TrialSpec, UserError
from spaces.specs.recipes import choose_schedule

THETAS = [
    Hyperparameters(lr=0.02, momentum=0.9, weight_decay=1e-3, gain=1.0),
    Hyperparameters(lr=1e300, momentum=0.9, weight_decay=0.0, gain=1.0),  # Diverges.
    Hyperparameters(lr=0.05, momentum=0.0, weight_decay=0.0, gain=0.5),
    Hyperparameters(lr=0.01, momentum=0.5, weight_decay=1e-2, gain=1.5),
]
STEPS, BATCH, EPOCHS = 5, 3, 2


@pytest.fixture(autouse=True)
def thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@contextmanager
def computing_in(dtype: torch.dtype) -> Iterator[None]:
    """Rounding flips a ReLU now and then, and the gradient jumps there; in float64 practically never."""
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float)


def make_images(dtype: torch.dtype) -> Split:
    rng = np.random.default_rng(0)
    count = STEPS * BATCH - 1  # The last batch is not full.
    x, y = rng.standard_normal((count, 1, 28, 28)), rng.integers(0, 10, count)
    x = x.astype(str(dtype).removeprefix("torch."))
    return Split(x, y, x[:9], y[:9])


def list_trials(name: str, thetas: Sequence[Hyperparameters]) -> list[TrialSpec]:
    return [TrialSpec("sweep", name, "digits", "0" * 16, theta, 0, 0, BATCH) for theta in thetas]


Course = tuple[list[Epoch], list[dict[str, Tensor]], list[Tensor]]
"""A trial's epochs, and its weights and its batch order before them and after each."""


def copy_state(state: dict) -> tuple[dict[str, Tensor], Tensor]:
    return {name: tensor.clone() for name, tensor in state["network"].items()}, state["generators"]["order"]


@functools.cache
def train_singly(name: str, dtype: torch.dtype) -> list[Course]:
    """Of each theta, by ``TorchEngine``."""
    courses = []
    for trial in list_trials(name, THETAS):
        training = Training(trial, make_images(dtype), engine="torch")
        states, epochs = [copy_state(training.capture_state())], []
        for _ in range(EPOCHS):
            epochs.append(training.run_epoch())
            states.append(copy_state(training.capture_state()))
        courses.append((epochs, *map(list, zip(*states, strict=True))))
    return courses


def train_in_a_pack(name: str, lanes: int, dtype: torch.dtype) -> list[Course]:
    """Each epoch in a pack of its own, which goes on from the states of the one before."""
    split, trials = make_images(dtype), list_trials(name, list(islice(cycle(THETAS), lanes)))
    pack = PackTraining(trials, split)
    epochs: list[list[Epoch]] = []
    states = [[copy_state(pack.capture_state(lane)) for lane in range(lanes)]]
    for _ in range(EPOCHS):
        kept = [pack.capture_state(lane) for lane in range(lanes)]
        pack = PackTraining(trials, split)
        pack.load_states(kept)
        epochs.append(pack.run_epoch())
        states.append([copy_state(pack.capture_state(lane)) for lane in range(lanes)])
    return [
        ([of[lane] for of in epochs], [of[lane][0] for of in states], [of[lane][1] for of in states])
        for lane in range(lanes)
    ]


def distance(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """The largest of any weight's, relative to its norm."""
    norm = torch.linalg.vector_norm
    return max(float(norm(ours[name] - weight) / norm(weight)) for name, weight in theirs.items() if norm(weight) > 0)


def compare(name: str, lanes: int, dtype: torch.dtype) -> list[float]:
    """How far each lane that does not diverge is from its trial alone; the rest must be the same to the bit."""
    with computing_in(dtype):
        singly, packed = train_singly(name, dtype), train_in_a_pack(name, lanes, dtype)
    apart = []
    for (theirs, weights, orders), (ours, lane_weights, lane_orders) in zip(cycle(singly), packed, strict=False):
        assert all(torch.equal(lane_weights[0][key], weight) for key, weight in weights[0].items())
        assert all(map(torch.equal, lane_orders, orders))
        assert [(epoch.epoch, epoch.diverged) for epoch in ours] == [(epoch.epoch, epoch.diverged) for epoch in theirs]
        if theirs[0].diverged:
            assert all(math.isnan(epoch.accuracy) and math.isnan(epoch.loss) for epoch in ours)
            continue
        found = [distance(lane_weights[-1], weights[-1])]
        for our, their in zip(ours, theirs, strict=True):
            found += [abs(our.train_loss / their.train_loss - 1), abs(our.loss / their.loss - 1)]
            found.append(abs(our.accuracy - their.accuracy))
        apart.append(max(found))
    return apart


@pytest.mark.parametrize("lanes", [1, 3, 8])
@pytest.mark.parametrize("name", models.ARCHITECTURES)
def test_ten_steps_are_those_of_single_trials(name: str, lanes: int) -> None:
    apart = compare(name, lanes, torch.double)
    assert len(apart) == {1: 1, 3: 2, 8: 6}[lanes]  # The others diverge.
    assert max(apart) < 1e-10


@pytest.mark.parametrize("name", models.ARCHITECTURES)
def test_ten_steps_in_float32(name: str) -> None:
    """To 1e-5, but for at most one lane in which rounding flips a ReLU."""
    assert sorted(compare(name, 4, torch.float))[1] < 1e-5


@pytest.mark.parametrize("name", models.ARCHITECTURES)
def test_the_bits_of_a_lane_do_not_depend_on_its_neighbours(name: str) -> None:
    split = make_images(torch.float)
    one, other = (
        PackTraining(list_trials(name, thetas), split)
        for thetas in ([*THETAS[2:], *THETAS[2:]], [THETAS[2], *THETAS[:2], THETAS[3]])
    )
    epochs = [one.run_epoch(), other.run_epoch()]
    assert epochs[1][2].diverged
    for lane in (0, 3):
        assert epochs[0][lane].train_loss == epochs[1][lane].train_loss
        assert epochs[0][lane].loss == epochs[1][lane].loss
        weights, others = (copy_state(pack.capture_state(lane))[0] for pack in (one, other))
        assert all(torch.equal(weights[key], others[key]) for key in weights)


def test_a_lane_diverges_in_the_epoch_in_which_its_trial_does() -> None:
    """Weights that grow by a factor in every step overflow sooner or later."""
    split = make_images(torch.float)
    thetas = [Hyperparameters(lr=1.0, momentum=0.0, weight_decay=decay, gain=1.0) for decay in (3.0, 10.0, 30.0, 1e4)]
    trials = list_trials("conv", thetas)
    pack, epochs = PackTraining(trials, split), 6
    ours = list(zip(*([epoch.diverged for epoch in pack.run_epoch()] for _ in range(epochs)), strict=True))
    for flags, trial in zip(ours, trials, strict=True):
        training = Training(trial, split, engine="torch")
        assert flags == tuple(training.run_epoch().diverged for _ in range(epochs))
    assert len(set(ours)) > 1
    assert ours[-1][0]
    assert any(flags[-1] and not flags[0] for flags in ours)


def test_survivors_and_single_trials_go_on_from_checkpoints_of_lanes(tmp_path: Path) -> None:
    split, trials = make_images(torch.float), list_trials("invariant", [THETAS[0], *THETAS[2:]])
    pack = PackTraining(trials, split)
    pack.run_epoch()
    for lane in range(3):
        checkpoint.save(tmp_path / f"{lane}.pt", pack.capture_state(lane), {})
    kept = [checkpoint.load(tmp_path / f"{lane}.pt")[0] for lane in range(3)]
    survivors = PackTraining(trials[1:3], split)
    survivors.load_states(kept[1:3])
    alone = Training(trials[1], split, engine="torch")
    alone.load_state(kept[1])
    whole, rest, single = pack.run_epoch()[1], survivors.run_epoch()[0], alone.run_epoch()
    assert whole.epoch == rest.epoch == single.epoch == 2
    assert [rest.train_loss, single.train_loss] == pytest.approx([whole.train_loss] * 2, rel=1e-5)
    assert distance(survivors.capture_state(0)["network"], alone.capture_state()["network"]) < 1e-5
    with pytest.raises(ValueError, match=r"at one epoch, not at \[1, 2\]"):
        survivors.load_states([survivors.capture_state(0), kept[2]])
    with pytest.raises(ValueError, match="belongs to trial"):
        survivors.load_states(kept[:2])


def test_a_schedule_and_augmentation_are_those_of_the_trials() -> None:
    recipe = choose_schedule(None, "cosine", 3)
    assert recipe is not None
    recipe = replace(recipe, crop_padding=2, flip=True)
    split = make_images(torch.float)
    trials = [
        replace(trial, theta=Hyperparameters.from_mapping({**trial.theta, "schedule": "cosine"}), recipe=recipe)
        for trial in list_trials("invariant", THETAS[2:])
    ]
    pack, alone = PackTraining(trials, split), Training(trials[1], split, engine="torch")
    for _ in range(3):
        ours, theirs = pack.run_epoch()[1], alone.run_epoch()
        assert (ours.train_loss, ours.loss) == pytest.approx((theirs.train_loss, theirs.loss), rel=1e-5)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"batch_size": 4}, {"architecture": "dct"}])
def test_trials_that_share_no_batches_are_refused(trial: TrialSpec, split: Split, changed: dict) -> None:
    with pytest.raises(UserError, match=f"differ in {next(iter(changed))}; "):
        PackTraining([trial, replace(trial, **changed)], split)


def test_what_has_no_form_over_lanes_is_refused(trial: TrialSpec) -> None:
    x, y = np.zeros((4, 3, 32, 32), np.float32), np.zeros(4, np.int64)
    with pytest.raises(UserError, match=r"ref-w2: a pack has no .*BatchNorm.*; train its trials singly"):
        PackTraining([replace(trial, architecture="ref-w2", dataset="cifar10")], Split(x, y, x, y))
    with pytest.raises(UserError, match="no trial"):
        PackTraining([], Split(x, y, x, y))


def test_seconds_are_shared_by_the_lanes_that_are_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = PackTraining(list_trials("conv", [THETAS[0], *THETAS[2:]]), make_images(torch.float), resting=[0])
    clock = iter((10.0, 16.0))
    monkeypatch.setattr(packing, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    assert pack.run_epoch()[2].seconds == 3.0
