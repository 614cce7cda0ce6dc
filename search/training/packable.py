"""Whether the trials of an architecture can be lanes of a pack: for the user's own, tried on a few random images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

import models
from models.own.layers import OwnPart
from models.own.seeding import seeded
from models.pack import explain_not_packed
from search.datasets.base import Dataset
from search.training.first_step import make_random_images
from search.training.loop import Training
from search.training.pack import PackTraining
from spaces import Hyperparameters, TrialSpec

STEPS = 2
NEAR = 1e-2  # Relative to a weight's norm: rounding may flip a ReLU, and another gain changes much more.


def explain_alone(trial: TrialSpec, data: Dataset) -> str | None:
    """Why an architecture's trials are trained alone; None if they can be lanes of a pack.

    Args:
        trial: one of them, in the middle of the space.
        data: whose images' shape and number of classes the network gets; none are read.
    """
    description = models.describe_architecture(
        trial.architecture, data.input_shape, data.classes, trial.theta.constructor
    )
    reason = explain_not_packed(description)
    if reason or not any(isinstance(layer, OwnPart) for layer in description.values()):
        return reason
    theta = dict(trial.theta)
    if "gain" in theta:
        theta["gain"] = 2 * trial.theta.gain
    other = replace(trial, theta=Hyperparameters.from_mapping(theta))
    with seeded(0):
        try:
            return _find_difference([trial, other], data)
        except Exception as error:  # Whatever the user's code raises where lanes are mapped.
            said = " ".join(str(error).split("\n")[0].split())[:120]
            return f"a pack cannot train it: {type(error).__name__}: {said}"


def _find_difference(trials: list[TrialSpec], data: Dataset) -> str | None:
    split = make_random_images(trials[0], data)
    if not all(weight.requires_grad for weight in Training(trials[0], split, engine="torch").network.parameters()):
        return "it has weights that are not learned (requires_grad False)"
    pack = PackTraining(trials, split)
    for _ in range(STEPS):
        pack.run_epoch()
    for lane, trial in enumerate(trials):
        training = Training(trial, split, engine="torch")
        for _ in range(STEPS):
            training.run_epoch()
        ours, theirs = _collect(pack.capture_state(lane)), _collect(training.capture_state())
        for name, value in theirs.items():
            if not _are_near(ours[name], value):
                return f"as a lane it is another network: {name} differs from that of a trial alone"
    return None


def _collect(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Copies of all weights and buffers."""
    return {name: tensor.clone().double() for name, tensor in state["network"].items()}


def _are_near(one: torch.Tensor, other: torch.Tensor) -> bool:
    if not torch.isfinite(other).all():
        return not torch.isfinite(one).all()
    return bool(torch.linalg.vector_norm(one - other) <= NEAR * torch.linalg.vector_norm(other))
