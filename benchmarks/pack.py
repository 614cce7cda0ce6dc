"""Images per second of training on one device: one trial, several processes, and packs of trials.

    python -m benchmarks.pack --device cuda --out pack.md

Rates are over all trials, of whole epochs over random images of MNIST's shape in batches of 64, without judging; one
trial in plain torch, as a pack of one (on a GPU its step is a CUDA graph), four processes of one trial each, and packs.

The limit of a pack is the longer of two times. Arithmetic: the multiply-adds of ``benchmarks.common.executed``,
convolutions counted as direct ones, at the float32 rate of a large matrix product on the device. Memory: every
activation between layers written and read once each way, and read once more for the weights' gradient, at the rate of a
large copy. Columns of convolutions and parts of z are not counted, as a program that fuses them need not move them.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from multiprocessing import SimpleQueue, get_context
from multiprocessing.synchronize import Barrier

import torch

import models
from benchmarks.common.executed import count_flops_per_image
from benchmarks.common.options import make_parser, publish
from benchmarks.common.report import Report, describe_target, format_times
from benchmarks.eager import SHALLOW, make_split
from models.description import Relu, Unravel
from models.mnist import TABLE_1_4
from search.datasets.split import Split
from search.training.loop import Training, make_repeatable
from search.training.pack import PackTraining
from spaces import TrialSpec
from spaces.space import SPACES

MODULE = "benchmarks.pack"
SHAPE, BATCH = (1, 28, 28), 64
PACKS, QUICK_PACKS = (32, 64, 128, 256), (2, 4)
IMAGES, QUICK_IMAGES = 3200, 128
PROCESSES, WAIT_SECONDS = 4, 300
IN_PLACE = (Relu, Unravel)  # What needs no pass of its own.
TIMES = 10.0
"""How many times as fast as one trial in plain torch the fastest pack should be."""
PASSES = 5
"""Through each activation: written, read, its gradient written and read, read for the gradient of the weights."""


def list_trials(architecture: str, lanes: int) -> list[TrialSpec]:
    """So many trials, of thetas of Table 1.2, over and over if need be."""
    thetas = islice(cycle(SPACES["table-1.2"].walk(0)), lanes)
    return [replace(SHALLOW, architecture=architecture, theta=theta, batch_size=BATCH) for theta in thetas]


def measure_rate(train: Callable[[], object], images: int, repeats: int) -> float:
    """Images per second: the median over repeats, after one that is not counted."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        train()
        seconds.append(time.perf_counter() - start)
    return images / statistics.median(seconds[1:])


def draw_order(split: Split) -> torch.Tensor:
    """The numbers of the training images, shuffled."""
    return torch.randperm(len(split.train_y), generator=torch.Generator().manual_seed(0))


def measure_single(architecture: str, split: Split, device: str, repeats: int) -> float:
    """One trial in plain torch."""
    spec = replace(SHALLOW, architecture=architecture, batch_size=BATCH)  # Of a theta that does not diverge.
    training = Training(spec, split, device, "torch")
    return measure_rate(lambda: training.engine.train(draw_order(split)), len(split.train_y), repeats)


def measure_pack(architecture: str, lanes: int, split: Split, device: str, repeats: int) -> tuple[float, str | None]:
    """A pack; and why its step is not a CUDA graph."""
    pack = PackTraining(list_trials(architecture, lanes), split, device)
    rate = measure_rate(lambda: pack.engine.train(draw_order(split)), lanes * len(split.train_y), repeats)
    return rate, pack.engine.not_captured


def measure_beside(
    names: Sequence[str], images: int, device: str, repeats: int, barrier: Barrier, found: SimpleQueue[list[float]]
) -> None:
    """Tells the rates of one of several processes, which begin each network together."""
    make_repeatable(device, 1)
    split, rates = make_split(SHAPE, images), []
    for name in names:
        barrier.wait(WAIT_SECONDS)
        rates.append(measure_single(name, split, device, repeats))
    found.put(rates)


def measure_processes(names: Sequence[str], images: int, device: str, repeats: int) -> dict[str, float]:
    """By network, the sum of the rates of ``PROCESSES`` processes that share the device."""
    context = get_context("spawn")
    barrier, found = context.Barrier(PROCESSES), context.SimpleQueue()
    arguments = (names, images, device, repeats, barrier, found)
    started = [context.Process(target=measure_beside, args=arguments) for _ in range(PROCESSES)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise RuntimeError("one of the processes that share the device failed")
    rates = [found.get() for _ in started]
    return {name: sum(column) for name, column in zip(names, zip(*rates, strict=True), strict=True)}


@dataclass(frozen=True)
class Limits:
    """What the device can do.

    Attributes:
        flops: float32 operations per second of a large matrix product.
        bandwidth: bytes per second, read and written, of a large copy.
    """

    flops: float
    bandwidth: float

    def compute_rate(self, architecture: str) -> float:
        """The images per second of a pack that no program could pass."""
        description, shape, moved = models.describe_architecture(architecture, SHAPE), SHAPE, 0
        for layer in description.values():
            shape = layer.shape_after(shape)
            moved += 4 * PASSES * math.prod(shape) * (type(layer) not in IN_PLACE)
        flops = count_flops_per_image(description, SHAPE, direct=True)
        return 1 / max(flops / self.flops, moved / self.bandwidth)


def measure_limits(device: str, side: int) -> Limits:
    """Times a product of square matrices, and a copy of one."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    a, b = torch.randn(2, side, side, device=device)
    product = measure_rate(lambda: (a @ b, wait()), 2 * side**3, 5)
    big = torch.randn(16, side, side, device=device)
    target = torch.empty_like(big)
    return Limits(product, measure_rate(lambda: (target.copy_(big), wait()), 2 * big.nbytes, 5))


def measure(names: Sequence[str], device: str, repeats: int, *, quick: bool) -> Report:
    """Times all networks."""
    images, packs, side = (
        (QUICK_IMAGES, QUICK_PACKS, 64) if quick else (IMAGES, PACKS, 8192 if device == "cuda" else 1024)
    )
    split, limits = make_split(SHAPE, images), measure_limits(device, side)
    rates, shares, reasons = [], [], set()
    beside = measure_processes(names, images, device, repeats)
    for name in names:
        single, (alone, _) = (
            measure_single(name, split, device, repeats),
            measure_pack(name, 1, split, device, repeats),
        )
        packed = {}
        for lanes in packs:
            packed[lanes], reason = measure_pack(name, lanes, split, device, repeats)
            reasons.add(reason)
        best, limit = max(packed.values()), limits.compute_rate(name)
        columns = {"one trial": single, "pack of 1": alone, f"{PROCESSES} processes": beside[name]}
        columns |= {f"pack of {lanes}": rate for lanes, rate in packed.items()}
        rates.append({"network": name} | {key: f"{rate:,.0f}" for key, rate in columns.items()})
        times = best / single
        shares.append(
            {
                "network": name,
                "best pack vs one trial": format_times(times),
                "target": describe_target(times, TIMES),
                "best pack vs processes": format_times(best / beside[name]),
                "limit, images/s": f"{limit:,.0f}",
                "share of the limit": f"{100 * best / limit:.0f} %",
            }
        )
        print(rates[-1], shares[-1], flush=True)
    report = Report("Packs of trials", MODULE)
    where = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} thread"
    graphs = "; ".join(f"no CUDA graph: {reason}" if reason else "CUDA graph" for reason in reasons)
    report.text(
        f"On {where}, float32 without TF32, {images:,} random images of {'x'.join(map(str, SHAPE))}, batches of "
        f"{BATCH}, medians of {repeats}. {graphs}. A matrix product makes {limits.flops / 1e12:.3g} TFLOP/s, a copy "
        f"moves {limits.bandwidth / 1e12:.3g} TB/s."
    )
    report.table("Images per second, all trials together", rates)
    report.table("Ratios", shares)
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = make_parser(MODULE, "Times packs of trials of the eight networks against single trials.", repeats=3)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cpu (default) or cuda")
    parser.add_argument(
        "--networks", nargs="+", choices=TABLE_1_4, default=list(TABLE_1_4), metavar="NAME", help="which"
    )
    asked = parser.parse_args(arguments)
    make_repeatable(asked.device, 1)
    publish(measure(asked.networks, asked.device, asked.repeats, quick=asked.quick), asked.out)


if __name__ == "__main__":
    main()
