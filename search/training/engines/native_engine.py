"""The native engine: whole epochs in one call of compiled code, on one core."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.native import VERSION, NativeNetwork
from search.training.engines.base import Engine, Problem, align_momentum


class NativeEngine(Engine):
    """See ``models.native``. It works in place on the weights and momentum buffers that torch owns."""

    def __init__(self, problem: Problem) -> None:
        split = problem.split
        self._problem = problem
        self._native = NativeNetwork(problem.description, problem.network, split.train_x.shape[1:])
        self._train_x, self._eval_x = (np.ascontiguousarray(x, np.float32) for x in (split.train_x, split.eval_x))
        self._train_y, self._eval_y = (np.ascontiguousarray(y, np.int64) for y in (split.train_y, split.eval_y))

    def train(self, order: Tensor, epoch: int = 1) -> float:
        """Stops right after the first step whose loss is not finite."""
        theta, optimiser = self._problem.spec.theta, self._problem.optimiser
        align_momentum(optimiser)
        learned = optimiser.param_groups[0]["params"] if theta.momentum else []
        # torch makes the buffers in its first step; starting from zero is the same.
        momenta = {p: optimiser.state[p].setdefault("momentum_buffer", torch.zeros_like(p)) for p in learned}
        total = self._native.train(
            self._train_x,
            self._train_y,
            order.numpy(),
            batch_size=self._problem.spec.batch_size,
            lr=optimiser.param_groups[0]["lr"],
            momentum=theta.momentum,
            weight_decay=theta.weight_decay,
            momenta=momenta,
        )
        return total / len(order)

    def judge(self) -> tuple[float, float]:
        """Block by block, forward only."""
        loss, correct = self._native.judge(self._eval_x, self._eval_y)
        return loss / len(self._eval_y), correct / len(self._eval_y)

    def predict(self) -> np.ndarray:
        """Forward once more, as the compiled ``judge`` only counts: the same bits in, the same scores out."""
        return self._native.predict(self._eval_x)

    def describe(self) -> dict[str, str]:
        """The build in use."""
        return {"engine": "native", "instruction_set": self._native.isa, "engine_version": VERSION}
