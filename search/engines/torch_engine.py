"""The torch engine: any device, any architecture."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from search.engines.base import Engine, Problem, align_momentum

EVALUATION_BATCH = 1000
DIVERGENCE_CHECK_STEPS = 50  # Reading a loss waits for a GPU, so not after every step.


def as_tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """A tensor over the array's own memory, or its copy on another device.

    Ray's object store hands out read-only arrays; nothing here writes to them, so torch's warning
    about that does not apply.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(array).to(device)


def pooled_first(network: nn.Sequential) -> nn.Sequential:
    """The same modules, each ReLU after the max pooling that follows it: they commute, and less is left to rectify."""
    modules = list(network)
    for place, (first, second) in enumerate(itertools.pairwise(network)):
        if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
            modules[place : place + 2] = [second, first]
    return nn.Sequential(*modules)


class TorchEngine(Engine):
    """Autograd and ``torch.optim.SGD``, all images in memory."""

    def __init__(self, problem: Problem) -> None:
        self._problem, self._optimiser = problem, problem.optimiser
        split, device = problem.split, problem.device
        self._train_x, self._train_y = (as_tensor(a, device) for a in (split.train_x, split.train_y))
        self._eval_x, self._eval_y = (as_tensor(a, device) for a in (split.eval_x, split.eval_y))
        # Channels last: 1.4 times the speed for conv on a CPU, the same for the others.
        problem.network.to(memory_format=torch.channels_last)  # pyright: ignore
        self._network = pooled_first(problem.network)

    def train(self, order: torch.Tensor) -> float:
        """Looks for divergence every few steps only."""
        self._network.train()
        align_momentum(self._optimiser)
        total = torch.zeros((), device=self._problem.device)
        for step, chosen in enumerate(order.to(self._problem.device).split(self._problem.spec.batch_size), start=1):
            self._optimiser.zero_grad(set_to_none=True)
            loss = F.cross_entropy(self._network(self._train_x[chosen]), self._train_y[chosen])
            loss.backward()
            self._optimiser.step()
            total += loss.detach() * len(chosen)
            if step % DIVERGENCE_CHECK_STEPS == 0 and not math.isfinite(total.item()):
                break
        return total.item() / len(order)

    @torch.inference_mode()
    def judge(self) -> tuple[float, float]:
        """In batches of ``EVALUATION_BATCH``."""
        self._network.eval()
        loss = correct = 0.0
        for x, y in zip(self._eval_x.split(EVALUATION_BATCH), self._eval_y.split(EVALUATION_BATCH), strict=True):
            scores = self._network(x)
            loss += F.cross_entropy(scores, y, reduction="sum").item()
            correct += (scores.argmax(1) == y).sum().item()
        return loss / len(self._eval_y), correct / len(self._eval_y)

    def identity(self) -> dict[str, str]:
        """The choice torch made of instruction set on a CPU; on a GPU its name is the record's ``device_name``."""
        cpu = self._problem.device.type == "cpu"
        instructions = torch.backends.cpu.get_cpu_capability().lower() if cpu else self._problem.device.type
        return {"engine": "torch", "instruction_set": instructions, "engine_version": torch.__version__}
