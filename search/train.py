"""Training one network for one trial, epoch by epoch. Knows nothing of Ray.

Everything random is a function of the trial's seed: the initial weights and fixed kernels (drawn
in ``models.build``), the order of the batches (one generator of its own) and whatever a layer
draws while it trains (torch's generator, saved with every checkpoint). So a trial's result does
not depend on when, where or beside what it ran.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import models
from search.datasets import Split, dataset
from spaces import TrialSpec

EVALUATION_BATCH = 1000
DIVERGENCE_CHECK_STEPS = 50  # Reading a loss waits for a GPU, so not after every step.
JUDGED_ON = {"sweep": "val", "rerun": "test"}


@dataclass(frozen=True)
class Epoch:
    """The numbers of one epoch.

    Attributes:
        epoch: 1 for the first.
        train_loss: mean cross entropy over the epoch's steps, while the weights changed.
        loss: mean cross entropy on the judging images; NaN where the trial diverged.
        accuracy: fraction of the judging images that were classified correctly; NaN likewise.
        seconds: training and judging time.
        diverged: whether a loss was not finite.
    """

    epoch: int
    train_loss: float
    loss: float
    accuracy: float
    seconds: float
    diverged: bool

    def row(self, phase: str) -> dict[str, Any]:
        """The epoch as a record's row: judged on ``val`` images in a sweep, on ``test`` in a rerun."""
        judged = JUDGED_ON[phase]
        return {
            "epoch": self.epoch,
            "train_loss": self.train_loss,
            f"{judged}_loss": self.loss,
            f"{judged}_accuracy": self.accuracy,
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


def as_tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """A tensor over the array's own memory, or its copy on another device.

    Ray's object store hands out read-only arrays; nothing here writes to them, so torch's warning
    about that does not apply.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(array).to(device)


class Training:
    """One network on its way through its epochs.

    Args:
        spec: the trial.
        split: images (N, C, H, W), float32 and normalised, and labels (N,), int64.
        device: where to train, ``cpu`` or ``cuda``.
    """

    def __init__(self, spec: TrialSpec, split: Split, device: str | torch.device = "cpu"):
        self.spec = spec
        self.device = torch.device(device)
        self.epoch = 0
        self._train_x, self._train_y = (as_tensor(a, self.device) for a in (split.train_x, split.train_y))
        self._eval_x, self._eval_y = (as_tensor(a, self.device) for a in (split.eval_x, split.eval_y))
        channels, height, width = self._train_x.shape[1:]
        classes = dataset(spec.dataset).classes
        network = models.build(
            spec.architecture,
            gain=spec.theta.gain,
            seed=spec.seed,
            input_shape=(channels, height, width),
            classes=classes,
        )
        # Channels last: 1.4 times the speed for conv on a CPU, the same for the others.
        self.network: nn.Module = network.to(self.device).to(memory_format=torch.channels_last)  # pyright: ignore
        self.optimiser = torch.optim.SGD(
            [p for p in self.network.parameters() if p.requires_grad],
            lr=spec.theta.lr,
            momentum=spec.theta.momentum,
            weight_decay=spec.theta.weight_decay,
            foreach=True,
        )
        self._order = torch.Generator().manual_seed(spec.seed)
        torch.manual_seed(spec.seed)

    def run_epoch(self) -> Epoch:
        """Trains on every image once, in a fresh order, then judges."""
        start = time.perf_counter()
        self.epoch += 1
        train_loss = self._train()
        loss, accuracy = self.judge() if math.isfinite(train_loss) else (math.nan, math.nan)
        diverged = not (math.isfinite(train_loss) and math.isfinite(loss))
        if diverged:
            loss = accuracy = math.nan
        return Epoch(self.epoch, train_loss, loss, accuracy, time.perf_counter() - start, diverged)

    def _train(self) -> float:
        """One pass over the training images; the mean loss, not finite as soon as one is not."""
        self.network.train()
        images, batch = len(self._train_y), self.spec.batch_size
        order = torch.randperm(images, generator=self._order).to(self.device)
        total = torch.zeros((), device=self.device)
        for step, chosen in enumerate(order.split(batch), start=1):
            self.optimiser.zero_grad(set_to_none=True)
            loss = F.cross_entropy(self.network(self._train_x[chosen]), self._train_y[chosen])
            loss.backward()
            self.optimiser.step()
            total += loss.detach() * len(chosen)
            if step % DIVERGENCE_CHECK_STEPS == 0 and not math.isfinite(total.item()):
                break
        return total.item() / images

    @torch.inference_mode()
    def judge(self) -> tuple[float, float]:
        """Mean cross entropy and accuracy (a fraction) on the judging images."""
        self.network.eval()
        loss = correct = 0.0
        for x, y in zip(self._eval_x.split(EVALUATION_BATCH), self._eval_y.split(EVALUATION_BATCH), strict=True):
            scores = self.network(x)
            loss += F.cross_entropy(scores, y, reduction="sum").item()
            correct += (scores.argmax(1) == y).sum().item()
        return loss / len(self._eval_y), correct / len(self._eval_y)

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on: weights and fixed kernels, optimiser, epoch, generators."""
        generators = {"order": self._order.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self.device)
        return {
            "trial_id": self.spec.trial_id,
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generators": generators,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Goes on from what ``state`` returned.

        Raises:
            ValueError: the state belongs to another trial.
        """
        if state["trial_id"] != self.spec.trial_id:
            raise ValueError(f"the checkpoint belongs to trial {state['trial_id']}, not to {self.spec.trial_id}")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self._order.set_state(state["generators"]["order"].cpu())
        torch.set_rng_state(state["generators"]["torch"].cpu())
        if self.device.type == "cuda" and "cuda" in state["generators"]:
            torch.cuda.set_rng_state(state["generators"]["cuda"].cpu(), self.device)
        self.epoch = state["epoch"]
