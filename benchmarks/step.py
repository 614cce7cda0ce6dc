"""Training steps of the eight networks: the native engine, the torch engine and the usual way.

    INVSEARCH_DATA=~/data python -m benchmarks.step --out step.md

Seconds are for an epoch of 60,000 images without judging, scaled from an epoch over some thousand of them. The limit is
the highest float32 rate of ``benchmarks.common.limit`` in the same rounds, and a network's share of it counts only
what the native engine executed (``benchmarks.common.executed``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from benchmarks.common.executed import count_flops_per_image
from benchmarks.common.interleave import LEAST_SECONDS, interleave, one_thread
from benchmarks.common.limit import compute_rates, limit_calls
from benchmarks.common.options import make_parser, publish
from benchmarks.common.pictures import load_pictures, mnist_is_here
from benchmarks.common.report import Report, describe_target, format_times
from benchmarks.common.usual import Pictures, UsualTraining
from models import ARCHITECTURES, describe_architecture
from models.native import find_instruction_set
from search.datasets import MNIST, Arrays, Split
from search.datasets.split import normalize
from search.training.loop import Training
from spaces import Hyperparameters, TrialSpec

MODULE = "benchmarks.step"
IMAGES, QUICK_IMAGES, EPOCH_IMAGES = 4096, 128, 60_000
BATCHES = (64, 128)
THETA = Hyperparameters(lr=0.01, momentum=0.9, weight_decay=1e-5, gain=1.0)
MIXINGS = ("shifted-impulse", "shifted-gaussian", "random", "learned", "dct")
USUAL_TARGETS = {"conv": 11.0, "invariant": 28.0, "wide-conv": 3.5} | dict.fromkeys(MIXINGS, 8.0)
TORCH_TARGETS = {"conv": 4.0, "invariant": 2.5}
SHARE_TARGETS = {name: 75.0 if name == "conv" else 65.0 for name in ARCHITECTURES}  # In percent.


@dataclass(frozen=True)
class Outcome:
    """What was measured of a network at a batch size.

    Attributes:
        architecture: the network.
        batch: images of a step.
        seconds: of an epoch of ``EPOCH_IMAGES``, by contender.
        limits: GFLOP/s of each program of ``benchmarks.common.limit`` in the same rounds.
    """

    architecture: str
    batch: int
    seconds: dict[str, float]
    limits: dict[str, float]

    @property
    def title(self) -> dict[str, str]:
        """The first columns of its row."""
        return {"network": self.architecture, "batch": str(self.batch)}

    @property
    def limit(self) -> float:
        """The highest of the limits."""
        return max(self.limits.values())

    def flops(self, direct: bool = False) -> int:
        """Floating point operations of a training step for one image."""
        network = describe_architecture(self.architecture, MNIST.input_shape, MNIST.classes)
        sparse = find_instruction_set() != "avx512"
        return count_flops_per_image(network, MNIST.input_shape, direct=direct, sparse=sparse)

    def rate(self, direct: bool = False) -> float:
        """GFLOP/s of the native engine."""
        return self.flops(direct) * EPOCH_IMAGES / self.seconds["native"] / 1e9


def make_engine_call(architecture: str, batch: int, data: Arrays, engine: str) -> Callable[[], float]:
    """An epoch of training steps, as a trial of ``invsearch`` makes them."""
    images = normalize(data.images, MNIST)
    split = Split(images, data.labels, images[:1], data.labels[:1])
    spec = TrialSpec("sweep", architecture, MNIST.name, MNIST.data_hash, THETA, 0, 0, batch)
    training = Training(spec, split, engine=engine)
    generator = torch.Generator().manual_seed(0)
    return lambda: training.engine.train(torch.randperm(len(images), generator=generator))


def finite(call: Callable[[], float]) -> Callable[[], float]:
    """The call, refusing a loss that is not finite: every contender stops there, so its time would say nothing.

    Raises:
        RuntimeError: when called, if the training diverged.
    """

    def check_loss() -> float:
        loss = call()
        if not math.isfinite(loss):
            raise RuntimeError("a timed training diverged")
        return loss

    return check_loss


def outcome(architecture: str, batch: int, data: Arrays, repeats: int, least_seconds: float) -> Outcome:
    """Times one network."""
    usual = UsualTraining(
        architecture, THETA, Pictures(data.images, data.labels, MNIST.mean, MNIST.std), batch_size=batch
    )
    engines = {name: make_engine_call(architecture, batch, data, name) for name in ("native", "torch")}
    calls = {name: finite(call) for name, call in (engines | {"usual": usual.train}).items()}
    seconds = interleave(calls | limit_calls(), repeats, least_seconds)
    scale = EPOCH_IMAGES / len(data.labels)
    return Outcome(architecture, batch, {name: scale * seconds[name] for name in calls}, compute_rates(seconds))


def list_ratios(found: Outcome) -> dict[str, str]:
    """A row of the table of ratios."""
    name, seconds = found.architecture, found.seconds
    usual, torch_ratio = seconds["usual"] / seconds["native"], seconds["torch"] / seconds["native"]
    share = 100 * found.rate() / found.limit
    return found.title | {
        "native vs usual": format_times(usual),
        "usual target": describe_target(usual, USUAL_TARGETS.get(name)),
        "native vs torch engine": format_times(torch_ratio),
        "torch target": describe_target(torch_ratio, TORCH_TARGETS.get(name)),
        "share of the limit": f"{share:.0f} %",
        "share target": describe_target(share, SHARE_TARGETS[name], unit=" %"),
    }


def epochs(found: Outcome) -> dict[str, str]:
    """A row of the table of seconds."""
    return found.title | {name: f"{seconds:.3g}" for name, seconds in found.seconds.items()}


def measure_speeds(found: Outcome) -> dict[str, str]:
    """A row of the table of rates."""
    return found.title | {
        "multiply-adds an image": f"{found.flops() // 2:,}",
        "native GFLOP/s": f"{found.rate():.0f}",
        "direct-equivalent GFLOP/s": f"{found.rate(direct=True):.0f}",
        "limit GFLOP/s": f"{found.limit:.0f}",
        **{name: f"{rate:.0f}" for name, rate in found.limits.items()},
    }


def measure(repeats: int, *, quick: bool) -> Report:
    """Times all networks at all batch sizes."""
    real = mnist_is_here() and not quick
    data = load_pictures(QUICK_IMAGES if quick else IMAGES, real=real)
    least = 0.0 if quick else LEAST_SECONDS
    found = [outcome(architecture, batch, data, repeats, least) for batch in BATCHES for architecture in ARCHITECTURES]
    report = Report("Training steps, one core", MODULE)
    report.text(
        f"{len(data.labels):,} images of {'MNIST' if real else 'random noise'}, scaled to {EPOCH_IMAGES:,}; medians of "
        f"{repeats} interleaved repeats. A ratio above 1 says how many times faster the native engine is."
    )
    report.table("Ratios", [list_ratios(each) for each in found])
    report.table(f"Seconds for {EPOCH_IMAGES:,} images", [epochs(each) for each in found])
    report.table("Rates of the native engine and of this core", [measure_speeds(each) for each in found])
    report.text(
        "Native GFLOP/s count the multiply-adds executed, as benchmarks/common/executed.py says, twice. "
        "Direct-equivalent is the rate that a direct convolution would need to be as fast. The limit is the highest "
        "of the last three."
    )
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    asked = make_parser(MODULE, "Times training steps of the eight networks.", repeats=7).parse_args(arguments)
    one_thread()
    publish(measure(asked.repeats, quick=asked.quick), asked.out)


if __name__ == "__main__":
    main()
