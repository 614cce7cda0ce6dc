"""The torch engine: any device, any architecture."""

from __future__ import annotations

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from search.training.engines.base import Engine, Problem, align_momentum
from search.training.images import Images, make_tensor

EVALUATION_BATCH = 1000
DIVERGENCE_CHECK_STEPS = 50  # Reading a loss waits for a GPU, so not after every step.


class TorchEngine(Engine):
    """Autograd and ``torch.optim.SGD``, in float32."""

    def __init__(self, problem: Problem) -> None:
        self._problem, self._optimiser = problem, problem.optimiser
        split, device = problem.split, problem.device
        self._train_x, self._eval_x = (Images(x, split.scaling, device) for x in (split.train_x, split.eval_x))
        self._train_y, self._eval_y = (make_tensor(y, device) for y in (split.train_y, split.eval_y))
        # Channels last: 1.4 times the speed for conv on a CPU, the same for the others.
        problem.network.to(memory_format=torch.channels_last)  # pyright: ignore
        # The same modules, each ReLU after the max pooling that follows it: they commute, and less is left to rectify.
        modules = list(problem.network)
        for place, (first, second) in enumerate(itertools.pairwise(problem.network)):
            if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
                modules[place : place + 2] = [second, first]
        self._network = nn.Sequential(*modules)

    def train(self, order: torch.Tensor, epoch: int = 1) -> float:
        """Looks for divergence every few steps only."""
        self._network.train()
        align_momentum(self._optimiser)
        spec = self._problem.spec
        total = torch.zeros((), device=self._problem.device)
        images, labels = (order.to(device).split(spec.batch_size) for device in (self._train_x.home, total.device))
        for step, (chosen, named) in enumerate(zip(images, labels, strict=True), start=1):
            self._optimiser.zero_grad(set_to_none=True)
            x = self._train_x.augment(chosen, spec.recipe, spec.seed, epoch, step)
            loss = F.cross_entropy(self._compute_scores(x).float(), self._train_y[named])
            self._step(loss)
            total += loss.detach() * len(chosen)
            if step % DIVERGENCE_CHECK_STEPS == 0 and not math.isfinite(total.item()):
                break
        return total.item() / len(order)

    def _compute_scores(self, x: torch.Tensor) -> torch.Tensor:
        return self._network(x)

    def _step(self, loss: torch.Tensor) -> None:
        loss.backward()
        self._optimiser.step()

    @torch.inference_mode()
    def judge(self) -> tuple[float, float]:
        """In batches of ``EVALUATION_BATCH``."""
        self._network.eval()
        loss = correct = 0.0
        for start, y in zip(itertools.count(0, EVALUATION_BATCH), self._eval_y.split(EVALUATION_BATCH), strict=False):
            scores = self._compute_scores(self._eval_x.take_batch(slice(start, start + len(y)))).float()
            loss += F.cross_entropy(scores, y, reduction="sum").item()
            correct += (scores.argmax(1) == y).sum().item()
        return loss / len(self._eval_y), correct / len(self._eval_y)

    def identity(self) -> dict[str, str]:
        """The choice torch made of instruction set on a CPU; on a GPU its name is the record's ``device_name``."""
        cpu = self._problem.device.type == "cpu"
        instructions = torch.backends.cpu.get_cpu_capability().lower() if cpu else self._problem.device.type
        return {"engine": "torch", "instruction_set": instructions, "engine_version": torch.__version__}
