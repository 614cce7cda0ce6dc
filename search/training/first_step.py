"""Tries the user's own architectures before anything starts: what would fail in every worker fails here at once."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

import models
from models.own import OwnArchitecture
from models.own.blame import blamed
from models.own.importing import PACKAGES, hidden
from models.own.layers import OwnPart
from models.own.seeding import seeded
from models.own.switches import switches_kept
from search.datasets.base import Arrays, Dataset
from search.datasets.split import Split, make_split
from search.training.loop import Training
from spaces import TrialSpec, UserError

IMAGES = 8
"""Of the step."""


def try_first_step(own: OwnArchitecture, trial: TrialSpec, data: Dataset) -> None:
    """Builds the network, trains a step on a few random images and judges it, in several ways that must agree.

    Args:
        own: what is tried.
        trial: of the run, in the middle of its space.
        data: whose images' shape and number of classes the network gets; none are read.

    Raises:
        UserError: the user's code raises, has no learned weight, gives a number that is not finite, or is not a
            function of the seed and of what a checkpoint holds.
    """
    threads, before = torch.get_num_threads(), set(sys.modules)
    torch.set_num_threads(1)  # As in a worker.
    try:
        # A worker has only the modules that were imported with the file, and none of their names from elsewhere.
        with seeded(0), switches_kept(own.target.label), blamed(own.target.label, own.target.owns):
            if own.importer is None:
                _try(own, trial, data)
            else:
                with hidden(own.importer, but=PACKAGES):
                    _try(own, trial, data)
                    _check_imports(own, set(sys.modules) - before)
    finally:
        torch.set_num_threads(threads)


def _try(own: OwnArchitecture, trial: TrialSpec, data: Dataset) -> None:
    split, label = make_random_images(trial, data), own.target.label

    one, other = (_build(trial, data) for _ in range(2))
    if place := _find_difference(one.state_dict(), other.state_dict()):
        raise UserError(
            f"{label}: is not deterministic: built twice for one seed, {place} differs; draw weights with torch, numpy "
            "or random, whose global generators are seeded, and not with a generator of its own"
        )
    if not _list_learned(one, trial, data):
        raise UserError(f"{label}: has no learnable weight; make one an nn.Parameter, or an attribute of a module")
    first, again = (_begin(trial, split) for _ in range(2))
    learned = _list_learned(first.network, trial, data)
    epoch = first.run_epoch()
    if not np.isfinite(epoch.train_loss):
        raise UserError(
            f"{label}: the loss of the first step is {epoch.train_loss:g}; fix its initial weights or scores"
        )
    gradients = {name: weight.grad for name, weight in learned.items() if weight.grad is not None}
    if not gradients:
        raise UserError(f"{label}: no weight gets a gradient; its forward must use them, without detach or no_grad")
    for name, gradient in gradients.items():
        if not torch.isfinite(gradient).all():
            raise UserError(f"{label}: the gradient of {name} is not finite in the first step; fix its forward")

    kept = copy.deepcopy(first.capture_state())
    _ = random.random(), np.random.random()  # What draws from these in forward comes out differently now.
    again.run_epoch()
    if place := _find_difference(kept["network"], again.network.state_dict()):
        raise UserError(
            f"{label}: is not deterministic: the same step taken twice, {place} differs; in forward draw with torch's "
            "functions only, and keep nothing from one network to the next"
        )
    resumed = _begin(trial, split)
    resumed.load_state(kept)
    for training in (first, resumed):
        training.run_epoch()
    if place := _find_difference(first.network.state_dict(), resumed.network.state_dict()):
        raise UserError(
            f"{label}: continued from a checkpoint, {place} differs; keep what changes while it trains in a buffer "
            "(register_buffer), which checkpoints hold"
        )


def make_random_images(trial: TrialSpec, data: Dataset) -> Split:
    """A few images for one step of a trial, which it is also judged on."""
    rng = np.random.default_rng(0)
    count = min(IMAGES, trial.batch_size)
    grey = rng.integers(0, 256, (count, *data.input_shape), dtype=np.uint8)
    arrays = Arrays(grey, rng.integers(0, data.classes, count))
    return make_split(data, arrays, arrays)


def _begin(trial: TrialSpec, split: Split) -> Training:
    return Training(trial, split, engine="torch")


def _build(trial: TrialSpec, data: Dataset) -> nn.Module:
    theta, shape = trial.theta, data.input_shape
    further = theta.constructor
    name, classes = trial.architecture, data.classes
    return models.build(name, gain=theta.gain, seed=trial.seed, input_shape=shape, classes=classes, further=further)


def _list_learned(network: nn.Module, trial: TrialSpec, data: Dataset) -> dict[str, nn.Parameter]:
    """Learned weights of the user's modules, by name."""
    description = models.describe_architecture(
        trial.architecture, data.input_shape, data.classes, trial.theta.constructor
    )
    return {
        f"{child}.{name}": weight
        for child, layer in description.items()
        if isinstance(layer, OwnPart)
        for name, weight in network.get_submodule(child).named_parameters()
        if weight.requires_grad
    }


def _find_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """The first tensor that differs in any bit; None where none does."""
    if one.keys() != other.keys():
        return next(iter(one.keys() ^ other.keys()))
    return next((name for name, tensor in one.items() if not _are_same(tensor, other[name])), None)


def _are_same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):  # Such as what a module's get_extra_state gives.
        return one.keys() == other.keys() and all(_are_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_are_same, one, other))
    if not isinstance(one, torch.Tensor):
        return one is other or bool(np.all(one == other))
    if one.shape != other.shape:
        return False
    return torch.equal(one, other) or bool(((one == other) | (one.isnan() & other.isnan())).all())


def _check_imports(own: OwnArchitecture, names: set[str]) -> None:
    assert own.reference.path is not None
    folder = f"{own.reference.path.parent}/"
    for name in sorted(names):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and file.startswith(folder) and "site-packages" not in file:
            raise UserError(
                f"{own.target.label}: imports {name} only while it runs, so that it is neither kept nor counted; "
                "import it at the top of the file"
            )
