"""Training one network for one trial, epoch by epoch. Knows nothing of Ray.

Everything random is a function of the trial's seed: the initial weights and fixed kernels (drawn
in ``models.build``), the order of the batches (one generator of its own, saved with every checkpoint),
and, of the seed and the epoch, what a layer draws while it trains (dropout; torch's generator, seeded
before each epoch) and how images are cropped and flipped (``search.training.images``). So a trial's result does
not depend on when, where or beside what it ran.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

import models
from search.datasets import Split, find_dataset
from search.training.engines import ENGINES, EngineChoice, Problem
from search.training.images import DRAWS
from spaces import TrialSpec
from spaces.specs.predictions import Predictions
from spaces.specs.protocol import JUDGED_ON


@dataclass(frozen=True)
class Epoch:
    """The numbers of one epoch.

    Attributes:
        epoch: 1 for the first.
        train_loss: mean cross entropy over the epoch's steps, while the weights changed.
        loss: mean cross entropy on the judging images; NaN where the trial diverged.
        accuracy: fraction of the judging images that were classified correctly; NaN where the trial diverged.
        seconds: training and judging time.
        diverged: whether a loss was not finite.
    """

    epoch: int
    train_loss: float
    loss: float
    accuracy: float
    seconds: float
    diverged: bool

    def make_row(self, phase: str) -> dict[str, Any]:
        """The epoch as a record's row: judged on ``val`` images in a sweep, on ``test`` in a rerun."""
        return {
            "epoch": self.epoch,
            "train_loss": self.train_loss,
            f"{JUDGED_ON[phase]}_loss": self.loss,
            f"{JUDGED_ON[phase]}_accuracy": self.accuracy,
            "seconds": round(self.seconds, 4),
            "time": time.time(),
        }


def make_repeatable(device: str, threads: int) -> None:
    """Keeps this process to its share of the machine, and its arithmetic the same in every run.

    On a CPU the number of threads decides in which order sums over images are taken. On a GPU
    cuDNN and cuBLAS must be told to choose repeatable algorithms; an operation that has none warns.
    """
    torch.set_num_threads(max(1, threads))
    if torch.device(device).type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
        # Or each new array would be filled first, for nobody.
        torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]


def derive_epoch_seed(seed: int, epoch: int) -> int:
    """What torch's generators are seeded with before an epoch, so that layers which draw need no state to resume."""
    return int(np.random.SeedSequence((DRAWS, seed, epoch)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def seed_generators(seed: int, device: torch.device) -> None:
    """Seeds torch's own generators, as ``torch.manual_seed`` does, which takes a millisecond for devices not in use."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed_all(seed)


def compute_rate(spec: TrialSpec, epoch: int) -> float:
    """The learning rate of an epoch."""
    return spec.theta.lr if spec.recipe is None else spec.recipe.decay_lr(spec.theta.lr, epoch)


class Training:
    """One network on its way through its epochs.

    Args:
        spec: the trial.
        split: images (N, C, H, W) and labels (N,).
        device: where to train, ``cpu`` or ``cuda``.
        engine: what does the arithmetic: ``auto``, or a name of ``ENGINES``.

    Raises:
        UserError: that engine cannot train this there.
    """

    def __init__(self, spec: TrialSpec, split: Split, device: str | torch.device = "cpu", engine: str = "auto"):
        self.spec = spec
        self.device = torch.device(device)
        self.epoch = 0
        choice = EngineChoice(engine, self.device.type, spec.augments)
        chosen = ENGINES[choice.name_for(spec.architecture)]
        shape = split.train_x.shape[1:]
        classes = find_dataset(spec.dataset).classes if split.classes is None else split.classes
        theta, further = spec.theta, spec.theta.constructor
        network = models.build(
            spec.architecture, gain=theta.gain, seed=spec.seed, input_shape=shape, classes=classes, further=further
        )
        self.network: nn.Sequential = network.to(self.device)
        self.optimiser = torch.optim.SGD(
            [p for p in self.network.parameters() if p.requires_grad],
            lr=theta.lr,
            momentum=theta.momentum,
            weight_decay=theta.weight_decay,
            fused=True,
        )
        self.description = models.describe_architecture(spec.architecture, shape, classes, further)
        self.engine = chosen(Problem(spec, split, self.description, self.network, self.optimiser, self.device))
        self._images = len(split.train_y)
        self._labels, self._classes = split.eval_y, classes
        self._order = torch.Generator().manual_seed(spec.seed)

    def run_epoch(self) -> Epoch:
        """Trains on every image once, in a fresh order, then judges."""
        start = time.perf_counter()
        self.epoch += 1
        for group in self.optimiser.param_groups:
            group["lr"] = compute_rate(self.spec, self.epoch)
        seed_generators(derive_epoch_seed(self.spec.seed, self.epoch), self.device)
        train_loss = self.engine.train(torch.randperm(self._images, generator=self._order), self.epoch)
        loss, accuracy = self.engine.judge() if math.isfinite(train_loss) else (math.nan, math.nan)
        if diverged := not math.isfinite(loss):
            loss = accuracy = math.nan
        return Epoch(self.epoch, train_loss, loss, accuracy, time.perf_counter() - start, diverged)

    def predict(self) -> Predictions:
        """What the last epoch's network takes each judging image for."""
        return Predictions.pack(self.engine.predict().tolist(), self._labels.tolist(), self._classes)

    def capture_state(self) -> dict[str, Any]:
        """All that the next epoch depends on: weights, statistics and fixed kernels, optimiser, epoch, batch order."""
        return {
            "trial_id": self.spec.trial_id,
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generators": {"order": self._order.get_state()},
            "engine": self.engine.capture_state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continues from what ``capture_state`` returned.

        Raises:
            ValueError: the state belongs to another trial.
        """
        if state["trial_id"] != self.spec.trial_id:
            raise ValueError(f"the checkpoint belongs to trial {state['trial_id']}, not to {self.spec.trial_id}")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self._order.set_state(state["generators"]["order"].cpu())
        self.engine.load_state(state.get("engine", {}))  # Older checkpoints have none.
        self.epoch = state["epoch"]
