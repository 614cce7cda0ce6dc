from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from search.datasets import Split
from search.training.engines import pack_engine
from search.training.engines.capture import lacks_memory
from search.training.engines.pack_engine import SIZES, choose_size, compute_losses
from search.training.pack import PackTraining
from spaces import Hyperparameters, TrialSpec


def test_losses_are_the_cross_entropy_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    scores, y = 50 * torch.randn(3, 10, 7, generator=generator), torch.randint(10, (7,), generator=generator)
    expected = F.cross_entropy(scores, y.expand(3, -1), reduction="none")
    torch.testing.assert_close(compute_losses(scores, y), expected)
    scores[0, (y[0] + 1) % 10, 0] = -torch.inf  # Of a class that is not the image's.
    assert compute_losses(scores, y).isfinite().all()
    scores[1, y[1], 1] = torch.nan
    assert compute_losses(scores, y).isfinite().sum() == 3 * 7 - 1


def test_a_gpu_has_few_programs_and_a_cpu_no_idle_lanes() -> None:
    assert [choose_size(lanes, torch.device("cuda")) for lanes in (1, 3, 64, 65, 256, 300)] == [1, 4, 64, 96, 256, 300]
    assert [choose_size(lanes, torch.device("cpu")) for lanes in (3, 65)] == [3, 65]


def test_idle_lanes_change_nothing(trial: TrialSpec, split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = [replace(trial, theta=Hyperparameters(lr, 0.5, 1e-4, 1.0)) for lr in (0.02, 0.05, 0.1)]
    exact = PackTraining(trials, split)
    monkeypatch.setattr(pack_engine, "choose_size", lambda lanes, device: next(n for n in SIZES if n >= lanes))
    padded = PackTraining(trials, split)
    assert (len(padded.engine.live), len(exact.engine.live)) == (4, 3)
    ours, theirs = padded.run_epoch(), exact.run_epoch()
    assert len(ours) == 3
    assert [epoch.train_loss for epoch in ours] == pytest.approx([epoch.train_loss for epoch in theirs], rel=1e-5)
    assert not padded.engine.live[3]
    assert not padded.engine.weights.flat[3].any()


def test_judging_takes_no_more_memory_than_a_step(
    trial: TrialSpec, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = PackTraining([trial] * 40, split)
    network = pack.engine._network
    compute, seen = network.compute_scores, []

    def compute_scores(weights: Any, x: torch.Tensor) -> torch.Tensor:
        seen.append(x.shape[-1])
        return compute(weights, x)

    monkeypatch.setattr(network, "compute_scores", compute_scores)
    pack.engine.judge()
    assert sum(seen) == len(split.eval_y)
    assert max(seen) <= 2 * trial.batch_size < len(split.eval_y)  # Without gradients.


def test_a_lack_of_memory_is_told_from_other_failures_of_a_recording() -> None:
    assert lacks_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert lacks_memory(torch.AcceleratorError("CUDA error: out of memory"))
    assert lacks_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"))
    with pytest.raises(RuntimeError, match="invalidated") as late:  # noqa: PT012
        try:
            raise torch.OutOfMemoryError("no room")
        finally:
            raise RuntimeError("the recording was invalidated")
    assert lacks_memory(late.value)
    assert not lacks_memory(RuntimeError("operation not permitted when stream is capturing"))


def test_a_frozen_lane_keeps_its_weights(trial: TrialSpec, split: Split, diverging: TrialSpec) -> None:
    pack = PackTraining([trial, diverging], split)
    pack.run_epoch()
    frozen = pack.engine.weights.flat[1].clone()
    assert pack.run_epoch()[1].diverged
    assert torch.equal(pack.engine.weights.flat[1], frozen)
    assert pack.engine.live.flatten().tolist() == [True, False]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_the_graph_has_the_bits_of_the_plain_loop(trial: TrialSpec, diverging: TrialSpec, split: Split) -> None:
    packs = [PackTraining([trial, diverging, trial], split, "cuda", capture=capture) for capture in (True, False)]
    assert packs[0].engine.not_captured is None
    graph, plain = ([pack.run_epoch(), pack.run_epoch()] for pack in packs)
    assert [epoch.train_loss for epoch in graph[1][::2]] == [epoch.train_loss for epoch in plain[1][::2]]
    assert torch.equal(packs[0].engine.weights.flat, packs[1].engine.weights.flat)
