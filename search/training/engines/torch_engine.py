"""The torch engine: any device, any architecture; and on GPUs in mixed precision."""

from __future__ import annotations

import itertools
import math
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models import REGISTERED
from search.training.engines.base import Engine, Problem, align_momentum
from search.training.images import Images, make_tensor

EVALUATION_BATCH = 1000
DIVERGENCE_CHECK_STEPS = 50  # Reading a loss waits for a GPU, so not after every step.


def choose_half_type(device: torch.device) -> torch.dtype:
    """The type of 16 bits that the device is fast with: bfloat16, or float16 on GPUs that lack it."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


class TorchEngine(Engine):
    """Autograd and ``torch.optim.SGD``, in float32."""

    MIXED: ClassVar[bool] = False

    def __init__(self, problem: Problem) -> None:
        self._problem, self._optimiser, self._device = problem, problem.optimiser, problem.device
        split = problem.split
        self._train_x, self._eval_x = (Images(x, split.scaling, self._device) for x in (split.train_x, split.eval_x))
        self._train_y, self._eval_y = (make_tensor(y, self._device) for y in (split.train_y, split.eval_y))
        # Channels last: 1.4 times the speed for conv on a CPU, the same for the others. A user's own module may ask for
        # views that only the usual layout has.
        if problem.spec.architecture not in REGISTERED:
            problem.network.to(memory_format=torch.channels_last)  # pyright: ignore
        # The same modules, each ReLU after the max pooling that follows it: they commute, and less is left to rectify.
        modules = list(problem.network)
        for place, (first, second) in enumerate(itertools.pairwise(problem.network)):
            if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
                modules[place : place + 2] = [second, first]
        self._network = nn.Sequential(*modules)
        self._predicted: list[torch.Tensor] = []
        self._half = choose_half_type(self._device)
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=self.MIXED and self._half is torch.float16)

    def train(self, order: torch.Tensor, epoch: int = 1) -> float:
        """Looks for divergence every few steps only."""
        self._network.train()
        align_momentum(self._optimiser)
        spec = self._problem.spec
        total = torch.zeros((), device=self._device)
        images, labels = (order.to(device).split(spec.batch_size) for device in (self._train_x.home, self._device))
        for step, (chosen, named) in enumerate(zip(images, labels, strict=True), start=1):
            self._optimiser.zero_grad(set_to_none=True)
            x = self._train_x.augment(chosen, spec.recipe, spec.seed, epoch, step)
            loss = F.cross_entropy(self._compute_scores(x), self._train_y[named])
            self._scaler.scale(loss).backward()
            self._scaler.step(self._optimiser)
            self._scaler.update()
            total += loss.detach() * len(chosen)
            if step % DIVERGENCE_CHECK_STEPS == 0 and not math.isfinite(total.item()):
                break
        return total.item() / len(order)

    def _compute_scores(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self._device.type, self._half, enabled=self.MIXED):
            scores = self._network(x)
        return scores.float() if self.MIXED else scores

    @torch.inference_mode()
    def judge(self) -> tuple[float, float]:
        """In batches of ``EVALUATION_BATCH``."""
        self._network.eval()
        loss = correct = 0.0
        self._predicted = []
        for start, y in zip(itertools.count(0, EVALUATION_BATCH), self._eval_y.split(EVALUATION_BATCH), strict=False):
            scores = self._compute_scores(self._eval_x.take_batch(slice(start, start + len(y))))
            loss += F.cross_entropy(scores, y, reduction="sum").item()
            self._predicted.append(scores.argmax(1))
            correct += (self._predicted[-1] == y).sum().item()
        return loss / len(self._eval_y), correct / len(self._eval_y)

    def predict(self) -> np.ndarray:
        """What ``judge`` has left on the device."""
        return torch.cat(self._predicted).cpu().numpy()

    def capture_state(self) -> dict[str, Any]:
        """The factor of the loss and what it adapts by; nothing where the loss is not scaled."""
        return {"scaler": self._scaler.state_dict()} if self._scaler.is_enabled() else {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Where the checkpoint is of another engine, and has no factor, it starts afresh."""
        if self._scaler.is_enabled() and "scaler" in state:
            self._scaler.load_state_dict(state["scaler"])

    def describe(self) -> dict[str, str]:
        """With what torch chose of a CPU's instruction sets, or the type of 16 bits, in which GPUs differ."""
        instructions = self._device.type
        if self.MIXED:
            instructions += f" {self._half}".replace("torch.", "")
        elif instructions == "cpu":
            instructions = torch.backends.cpu.get_cpu_capability().lower()
        name = "mixed" if self.MIXED else "torch"
        return {"engine": name, "instruction_set": instructions, "engine_version": torch.__version__}


class MixedEngine(TorchEngine):
    """Convolutions and matrix products in 16 bits; weights, sums, wavelet magnitudes and the loss in 32. On GPUs only.

    The gradients of float16 would underflow, so the loss is scaled up for them, by a factor that adapts and belongs
    to the checkpoint.
    """

    MIXED = True
