"""Images per second of a single trial's training, network by network, and how far a GPU's numbers are from a CPU's.

    python -m benchmarks.eager --device cuda

Needs torch and nothing of Ray, so it runs wherever a GPU is lent. Images are random, of MNIST's and CIFAR's shapes.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import torch

from models.mnist import TABLE_1_4
from search.datasets.split import Split
from search.training.loop import Training, make_repeatable
from spaces import Hyperparameters, TrialSpec
from spaces.specs.recipes import BATCH_SIZE, CIFAR, THETA

DEEP = ("ref", "invC", "scatnetD")
SHALLOW = TrialSpec("rerun", "conv", "mnist", "0" * 16, Hyperparameters(0.05, 0.5, 1e-5, 1.0), 1, None, BATCH_SIZE)


def make_split(shape: tuple[int, int, int], count: int) -> Split:
    """Random images (N, C, H, W) in ten classes that a network can learn: each class is brighter than the last."""
    random = np.random.default_rng(0)
    y = random.integers(0, 10, count)
    x = (random.standard_normal((count, *shape)) + y[:, None, None, None] / 3 - 1.5).astype(np.float32)
    return Split(x, y, x[:1000], y[:1000], classes=10)


def train(spec: TrialSpec, split: Split, device: str, engine: str, epochs: int) -> list[tuple[float, float]]:
    """The training loss and the images per second of each epoch."""
    training = Training(spec, split, device, engine)
    found = []
    for _ in range(epochs):
        epoch = training.run_epoch()
        found.append((epoch.train_loss, len(split.train_y) / epoch.seconds))
    return found


def compare(spec: TrialSpec, split: Split, device: str, engines: tuple[str, ...], epochs: int) -> None:
    """Prints one line per engine: the median rate after the first epoch, and the loss of each epoch."""
    for engine in engines:
        found = train(spec, split, device, engine, epochs)
        rate = statistics.median(rate for _, rate in found[1:])
        losses = ", ".join(f"{loss:.5f}" for loss, _ in found)
        print(f"{spec.architecture:10} {engine:6} {device}: {rate:9.0f} images/s; training loss {losses}", flush=True)


def main() -> None:
    """Times every network of Table 1.4 and three deep ones."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eager", description="Times one trial per network.")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--quick", action="store_true", help="few images: shows that it works, measures nothing")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each network, the first of them a warm-up")
    args = parser.parse_args()
    name = torch.cuda.get_device_name() if args.device == "cuda" else platform.machine()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {name}, torch {torch.__version__}")
    make_repeatable(args.device, 1)
    gpu = args.device == "cuda"
    shallow = make_split((1, 28, 28), 512 if args.quick else 25600)
    for architecture in TABLE_1_4:
        compare(replace(SHALLOW, architecture=architecture), shallow, args.device, ("torch",), args.epochs)
    deep = make_split((3, 32, 32), 256 if args.quick else 12800)
    for architecture in DEEP:
        spec = replace(SHALLOW, architecture=architecture, theta=Hyperparameters(**{**THETA, "lr": 0.05}), recipe=CIFAR)
        compare(spec, deep, args.device, ("torch", "mixed") if gpu else ("torch",), args.epochs)
    if gpu:
        few = make_split((1, 28, 28), 1280)
        for architecture in TABLE_1_4:
            spec = replace(SHALLOW, architecture=architecture)
            ours, theirs = (train(spec, few, device, "torch", 1)[0][0] for device in ("cpu", "cuda"))
            print(f"{architecture:10} first epoch of 10 steps: CPU and GPU differ by {abs(ours - theirs) / ours:.1e}")


if __name__ == "__main__":
    main()
