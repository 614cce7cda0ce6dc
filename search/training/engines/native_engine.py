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
        theta = self._problem.spec.theta
        total = self._native.train(
            self._train_x,
            self._train_y,
            order.numpy(),
            batch_size=self._problem.spec.batch_size,
            lr=self._problem.optimiser.param_groups[0]["lr"],
            momentum=theta.momentum,
            weight_decay=theta.weight_decay,
            momenta=self._pack_momenta() if theta.momentum else {},
        )
        return total / len(order)

    def judge(self) -> tuple[float, float]:
        """Block by block, forward only."""
        loss, correct = self._native.judge(self._eval_x, self._eval_y)
        return loss / len(self._eval_y), correct / len(self._eval_y)

    def identity(self) -> dict[str, str]:
        """The build in use."""
        return {"engine": "native", "instruction_set": self._native.isa, "engine_version": VERSION}

    def _pack_momenta(self) -> dict[Tensor, Tensor]:
        """The optimiser's own buffers. torch makes them in its first step; starting from zero is the same."""
        align_momentum(self._problem.optimiser)
        found = {}
        for parameter in self._problem.optimiser.param_groups[0]["params"]:
            state = self._problem.optimiser.state[parameter]
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            found[parameter] = state["momentum_buffer"]
        return found
