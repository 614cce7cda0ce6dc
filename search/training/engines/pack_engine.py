"""The arithmetic of a pack: the weights of its lanes, their SGD and their losses, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from models.description import Description
from models.pack import LaneWeights, PackedNetwork
from search.datasets.split import Split
from search.training.engines.capture import CapturedStep, lacks_memory
from search.training.engines.torch_engine import EVALUATION_BATCH
from search.training.images import Images, make_tensor
from spaces import Hyperparameters, TrialSpec

SIZES = (1, 2, 4, 8, 16, 32, 64, 96, 128, 160, 192, 224, 256)
"""Lanes of the program on a GPU; idle ones fill it up, so that few programs serve packs of any size."""

VERSION = "2"
"""Of the arithmetic; records show it."""

JUDGED_AT_ONCE = 2**14
"""Images, over all lanes, whose scores are computed at once by a large pack: about those of one of its steps."""


def choose_size(lanes: int, device: torch.device) -> int:
    """How many lanes the program of so many trials has."""
    if device.type == "cpu":
        return lanes
    return next((size for size in SIZES if size >= lanes), lanes)


def compute_losses(scores: Tensor, y: Tensor) -> Tensor:
    """The cross entropy of each image in each lane: (P, classes, N) and (N,) to (P, N)."""
    named = y == torch.arange(scores.shape[1], device=y.device)[:, None]
    return -torch.where(named, scores.log_softmax(1), 0).sum(1)


def stack_buffers(buffers: Sequence[Mapping[str, Tensor]], size: int, device: torch.device) -> dict[str, Tensor]:
    """Those of each lane under one another, (size, ..); idle lanes have the first one's."""
    if not buffers:
        return {}
    filled = [*buffers, *[buffers[0]] * (size - len(buffers))]
    return {name: torch.stack([each[name] for each in filled]).to(device) for name in buffers[0]}


class PackEngine:
    """SGD as ``torch.optim.SGD`` has it, on the mean loss of each lane, in float32.

    No lane has a part in another one's numbers. A lane whose loss is not finite is *frozen*: its weights stay.

    Args:
        description: of the network.
        template: a network; its fixed kernels and its fixed linear map are those of all lanes.
        thetas: one for each lane.
        spec: any of the trials, for what they share: batch size, seed and recipe.
        split: images (N, C, H, W) and labels (N,).
        device: where to train.
        buffers: of the user's own layers, for each lane, by name.
        capture: whether to record the step as a CUDA graph, where there is CUDA.

    Attributes:
        weights: P rows: those of the lanes, then idle ones.
        velocity: (P, n), the momentum buffers.
        rates: (P, 1), the learning rates, set before each epoch.
        live: (P, 1), which lanes are not frozen.
        not_captured: why the step is not a CUDA graph; None where it is.
    """

    def __init__(
        self,
        description: Description,
        template: nn.Sequential,
        thetas: Sequence[Hyperparameters],
        spec: TrialSpec,
        split: Split,
        device: torch.device,
        *,
        buffers: Sequence[Mapping[str, Tensor]] = (),
        capture: bool = True,
    ):
        self._spec, self._device = spec, device
        size = choose_size(len(thetas), device)
        self._network = PackedNetwork(description, template.to(device), stack_buffers(buffers, size, device))
        self.weights = LaneWeights({name: p.shape for name, p in template.named_parameters()}, size, device)
        self.velocity = torch.zeros_like(self.weights.flat)
        self.rates = torch.zeros(size, 1, device=device)
        self._momentum, self._decay = torch.zeros(2, size, 1, device=device)
        self._momentum[: len(thetas), 0] = torch.tensor([theta.momentum for theta in thetas])
        self._decay[: len(thetas), 0] = torch.tensor([theta.weight_decay for theta in thetas])
        self.live = torch.arange(size, device=device)[:, None] < len(thetas)
        self._total = torch.zeros(size, device=device)
        self._predicted = torch.zeros(size, 0, dtype=torch.int64, device=device)
        self._train_x, self._eval_x = (Images(x, split.scaling, device) for x in (split.train_x, split.eval_x))
        self._train_y, self._eval_y = (make_tensor(y, device) for y in (split.train_y, split.eval_y))
        self._captured, self.not_captured = self._capture() if capture else (None, "it was not asked for")

    def _capture(self) -> tuple[CapturedStep | None, str | None]:
        if self._device.type == "cpu":
            return None, "CPUs have none"
        x, y = self._take_batch(torch.arange(min(self._spec.batch_size, len(self._train_y))))
        state = [self.weights.flat, self.velocity, self.live, self._total]
        try:
            return CapturedStep(self._step, x, y, state), None
        except RuntimeError as error:
            if lacks_memory(error):
                raise torch.OutOfMemoryError(str(error)) from None
            return None, str(error).partition("\n")[0]

    def _take_batch(self, chosen: Tensor, epoch: int = 1, step: int = 1) -> tuple[Tensor, Tensor]:
        """Images, batch-last (C, H, W, N), and labels (N,)."""
        spec = self._spec
        x = self._train_x.augment(chosen.to(self._train_x.home), spec.recipe, spec.seed, epoch, step)
        return x.permute(1, 2, 3, 0).contiguous(), self._train_y[chosen.to(self._device)]

    def train(self, order: Tensor, epoch: int = 1) -> list[float]:
        """One pass over the training images in the given order; nothing waits for the device before its end.

        Args:
            order: numbers of the images, on the CPU.
            epoch: which one it is, 1 for the first; it decides the augmentation.

        Returns:
            Each lane's mean cross entropy over the steps, idle lanes' too; not finite as soon as one is not.
        """
        self._network.template.train()
        self._total.zero_()
        chosen = order.to(self._train_x.home).split(self._spec.batch_size)
        for step, batch in enumerate(chosen, start=1):
            x, y = self._take_batch(batch, epoch, step)
            run: Callable[[Tensor, Tensor], None] = self._step
            if self._captured is not None and self._captured.takes(x):
                run = self._captured
            run(x, y)
        return (self._total / len(order)).tolist()

    def _step(self, x: Tensor, y: Tensor) -> None:
        """One step of every lane on one batch."""
        loss = compute_losses(self._network.compute_scores(self.weights.views, x), y).mean(1)
        gradient = self.weights.gather_gradients(loss.sum())
        with torch.no_grad():
            flat = self.weights.flat
            self._total += loss * len(y)
            self.live &= loss.isfinite()[:, None]
            velocity = (self.velocity * self._momentum).add_(gradient.addcmul_(self._decay, flat))
            # Not a product with 0, which leaves a NaN one.
            torch.where(self.live, velocity, self.velocity, out=self.velocity)
            torch.where(self.live, flat - self.rates * velocity, flat, out=flat)

    @torch.no_grad()
    def judge(self) -> list[tuple[float, float]]:
        """Each lane's mean cross entropy and accuracy (a fraction) on the judging images, idle lanes' too."""
        self._network.template.eval()
        size, count = len(self.live), len(self._eval_y)
        losses = torch.empty(size, count, device=self._device)
        self._predicted = torch.empty(size, count, dtype=torch.int64, device=self._device)
        # Twice the images of a step take its memory, since no gradients are kept.
        fits = max(2 * self._spec.batch_size, EVALUATION_BATCH // size)
        for part in torch.arange(count).split(min(fits, max(1, JUDGED_AT_ONCE // size))):
            place = slice(int(part[0]), int(part[-1]) + 1)
            x, y = self._eval_x.take_batch(place).permute(1, 2, 3, 0).contiguous(), self._eval_y[place]
            scores = self._network.compute_scores(self.weights.views, x)
            losses[:, place] = compute_losses(scores, y)
            self._predicted[:, place] = scores.argmax(1)
        # Added up as TorchEngine does, which too large a sum makes infinite.
        sums = sum(part.sum(1).double() for part in losses.split(EVALUATION_BATCH, 1))
        assert isinstance(sums, Tensor)
        correct = (self._predicted == self._eval_y).sum(1).double()
        return list(zip((sums / count).tolist(), (correct / count).tolist(), strict=True))

    def predict(self, lane: int) -> list[int]:
        """The class of each judging image by one lane: those behind the last ``judge``."""
        return self._predicted[lane].tolist()

    def describe(self) -> dict[str, str]:
        """For the record, with what torch chose of a CPU's instruction sets, or whether a GPU's step is a graph."""
        instructions = torch.backends.cpu.get_cpu_capability().lower()
        if self._device.type != "cpu":
            captured = "in a graph" if self.not_captured is None else f"without a graph: {self.not_captured}"
            instructions = f"{self._device.type} {captured}"
        return {"engine": "pack", "instruction_set": instructions, "engine_version": VERSION}
