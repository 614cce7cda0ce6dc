"""Training a pack: trials of one architecture in lockstep, each as if alone. Knows nothing of Ray.

All trials of a sweep share one seed, so they see the same batches in the same order, and their initial weights are the
same draws at each trial's gain. A lane's weights and batch order are those of its own ``Training``, to the bit; what is
computed from them differs in rounding only.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import torch

from models.own.layers import OwnPart
from models.pack import explain_not_packed
from search.datasets import Split, find_dataset
from search.training.engines.pack_engine import PackEngine
from search.training.loop import Epoch, Training, compute_rate
from spaces import TrialSpec, UserError
from spaces.specs.predictions import Predictions

SHARED = ("phase", "architecture", "dataset", "data_hash", "seed", "split_seed", "batch_size", "recipe")
"""Fields of a trial that are the same in all lanes."""


def find_shared(spec: TrialSpec) -> tuple[tuple[str, Any], ...]:
    """What a trial has in common with all those that can be lanes of one pack, by name.

    Hyperparameters of the user's own are among it: they may decide the form of a layer.
    """
    fields = tuple((name, getattr(spec, name)) for name in SHARED)
    return (*fields, *((name, spec.theta.get(name)) for name in sorted(spec.theta.constructor)))


class PackTraining:
    """The trials of a pack on their way through their epochs.

    Args:
        specs: the trials, which differ in their theta only.
        split: images (N, C, H, W) and labels (N,).
        device: where to train, ``cpu`` or ``cuda``.
        resting: lanes that only keep the others at their places, so that their bits are the same without them.
        capture: whether to record the step as a CUDA graph, where there is CUDA.

    Attributes:
        epoch: how many there were.
        engine: what does the arithmetic.
        network: the first lane's, with the weights that ``capture_state`` last gave it.

    Raises:
        UserError: the trials cannot be one pack.
    """

    def __init__(
        self,
        specs: Sequence[TrialSpec],
        split: Split,
        device: str | torch.device = "cpu",
        *,
        resting: Collection[int] = (),
        capture: bool = True,
    ):
        if not specs:
            raise UserError("pack: there is no trial; give at least one")
        spec, self._specs = specs[0], specs
        for other in specs:
            for (name, value), (_, theirs) in zip(find_shared(spec), find_shared(other), strict=False):
                if value != theirs:
                    raise UserError(f"pack: the trials differ in {name}; make a pack of those that share it")
        # One for each lane, on the CPU and never trained: what draws, saves and loads a trial does so for a lane.
        self._trainings = [Training(other, split, "cpu", "torch") for other in specs]
        self.network = self._trainings[0].network
        description = self._trainings[0].description
        if reason := explain_not_packed(description):
            raise UserError(f"pack: {spec.architecture}: {reason}; train its trials singly")
        thetas = [other.theta for other in specs]
        template = copy.deepcopy(self._trainings[0].network)
        own = tuple(f"{name}." for name, layer in description.items() if isinstance(layer, OwnPart))
        buffers = [
            {name: buffer for name, buffer in training.network.named_buffers() if name.startswith(own)}
            for training in self._trainings
            if own
        ]
        self.engine = PackEngine(
            description, template, thetas, spec, split, torch.device(device), buffers=buffers, capture=capture
        )
        self._resting = frozenset(resting)
        self.engine.live[sorted(self._resting)] = False
        self._images, self._labels = len(split.train_y), split.eval_y
        self._classes = find_dataset(spec.dataset).classes if split.classes is None else split.classes
        self._order = torch.Generator().manual_seed(spec.seed)
        self.epoch = 0
        for lane in range(len(specs)):
            self._load_lane(lane)

    def run_epoch(self) -> list[Epoch]:
        """Trains every lane on every image once, all in the same fresh order, then judges; one epoch for each lane.

        The seconds of a lane are its share of the pack's; those at rest or frozen have none.
        """
        start = time.perf_counter()
        self.epoch += 1
        rates = torch.tensor([compute_rate(spec, self.epoch) for spec in self._specs])
        self.engine.rates[: len(rates), 0] = rates
        frozen = ~self.engine.live[:, 0]  # Of a trial alone the weights would be no numbers by now.
        losses = self.engine.train(torch.randperm(self._images, generator=self._order), self.epoch)
        judged = self.engine.judge()
        epochs = []
        for was_frozen, train_loss, (loss, accuracy) in zip(frozen.tolist(), losses, judged, strict=True):
            train_loss = math.nan if was_frozen else train_loss
            diverged = not (math.isfinite(train_loss) and math.isfinite(loss))
            if diverged:
                loss = accuracy = math.nan
            epochs.append(Epoch(self.epoch, train_loss, loss, accuracy, 0.0, diverged))
        live = torch.tensor([not epoch.diverged for epoch in epochs])
        self.engine.live &= live[:, None].to(self.engine.live.device)
        awake = len(self._specs) - int(frozen[: len(self._specs)].sum())
        share = (time.perf_counter() - start) / max(1, awake)
        return [replace(epoch, seconds=share) for epoch in epochs[: len(self._specs)]]

    def capture_state(self, lane: int) -> dict[str, Any]:
        """What ``Training.capture_state`` of that trial alone would be; no numbers for weights where it diverged."""
        training, engine = self._trainings[lane], self.engine
        live = bool(engine.live[lane])
        weights, velocities = (engine.weights.view(of[lane].cpu()) for of in (engine.weights.flat, engine.velocity))
        with torch.no_grad():
            for name, weight in training.network.named_parameters():
                weight.copy_(weights[name] if live else torch.full_like(weight, math.nan))
                if training.spec.theta.momentum and self.epoch:
                    training.optimiser.state[weight]["momentum_buffer"] = velocities[name].clone()
        training.epoch = self.epoch
        return training.capture_state() | {"generators": {"order": self._order.get_state()}}

    def predict(self, lane: int) -> Predictions:
        """What the last epoch's network of a lane takes each judging image for."""
        return Predictions.pack(self.engine.predict(lane), self._labels.tolist(), self._classes)

    def load_states(self, states: Sequence[dict[str, Any] | None]) -> None:
        """Continues from what ``capture_state`` of each lane, or that of each trial alone, returned; None: resting.

        Raises:
            ValueError: a state belongs to another trial, or they are not of one epoch.
        """
        awake = {lane: state for lane, state in enumerate(states) if lane not in self._resting and state is not None}
        for lane, state in awake.items():
            self._trainings[lane].load_state(state)
            self._load_lane(lane)
        epochs = {self._trainings[lane].epoch for lane in awake}
        if len(epochs) > 1:
            raise ValueError(f"the lanes of a pack must be at one epoch, not at {sorted(epochs)}")
        self.epoch = epochs.pop()
        self.engine.live[list(awake)] = True
        first = next(iter(awake.values()))
        self._order.set_state(first["generators"]["order"].cpu())

    def _load_lane(self, lane: int) -> None:
        """Copies a trial's weights and momentum into the arrays."""
        training, engine = self._trainings[lane], self.engine
        weights, buffers = dict(training.network.named_parameters()), training.optimiser.state
        velocities = {name: buffers[p].get("momentum_buffer") for name, p in weights.items()}
        engine.weights.load(engine.weights.flat[lane], weights)
        engine.weights.load(
            engine.velocity[lane],
            {name: torch.zeros_like(weights[name]) if v is None else v for name, v in velocities.items()},
        )
