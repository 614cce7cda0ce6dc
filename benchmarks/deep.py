"""Training steps of the networks of Tables 1.6 and 1.7 against the same networks built with ScatLayer.

    python -m benchmarks.deep --out deep.md

Both have the same initial weights and see the same images; forward, loss, backward and SGD step. Ours is channels-last,
as the torch engine trains it; the usual one is as torch makes it.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import models
from benchmarks.common.interleave import interleave, one_thread
from benchmarks.common.options import make_parser, publish
from benchmarks.common.report import Report, format_times
from benchmarks.common.usual import UsualInvariant, make_scat_layer
from models.invariant import InvariantLayer
from models.scattering import Scattering

MODULE = "benchmarks.deep"
NETWORKS = ("ref", "invC", "scatnetD")
SHAPE, CLASSES = (3, 32, 32), 10
LR, MOMENTUM, DECAY = 0.5, 0.85, 1e-4


def make_usual(network: nn.Sequential) -> nn.Sequential:
    """A copy whose scattering is ScatLayer's and whose mixings are ordinary convolutions."""
    made = copy.deepcopy(network)
    for name, child in made.named_children():
        if isinstance(child, InvariantLayer):
            made.set_submodule(name, UsualInvariant(child))
        elif isinstance(child, Scattering):
            made.set_submodule(name, make_scat_layer())
    return made


def step(network: nn.Module, x: Tensor, y: Tensor) -> Callable[[], None]:
    """A training step of the network on a batch."""
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(learned, lr=LR / 100, momentum=MOMENTUM, weight_decay=DECAY)

    def train() -> None:
        optimiser.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimiser.step()

    return train


def measure(names: Sequence[str], width: int | None, batch: int, device: str, repeats: int) -> Report:
    """Checks that both forms agree, then times their steps in turn."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, *SHAPE, generator=generator).to(device)
    labels = torch.randint(CLASSES, (batch,), generator=generator).to(device)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    rows = []
    for name in names:
        spelled = models.name_at_width(name, width)
        network = models.build(spelled, gain=1.0, seed=0, input_shape=SHAPE, classes=CLASSES).to(device)
        other = make_usual(network)
        with torch.inference_mode():
            apart = (network.eval()(images[:8]) - other.eval()(images[:8])).abs().max().item()
        ours = network.train().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        last = images.contiguous(memory_format=torch.channels_last)
        steps = {"ours": step(ours, last, labels), "usual": step(other.train(), images, labels)}
        found = interleave({key: lambda call=call: (call(), wait()) for key, call in steps.items()}, repeats)
        rows.append(
            {
                "network": spelled,
                "ours, images/s": f"{batch / found['ours']:.0f}",
                "ScatLayer, images/s": f"{batch / found['usual']:.0f}",
                "ours vs ScatLayer": format_times(found["usual"] / found["ours"]),
                "largest difference of a score": f"{apart:.1e}",
            }
        )
    report = Report("Training steps of the deep networks", MODULE)
    report.text(
        f"Batches of {batch} images of 3x32x32 on {device}, {torch.get_num_threads()} thread, medians of {repeats} "
        "interleaved repeats. ref has no scattering: its ratio is what channels-last alone gives."
    )
    report.table("Speed", rows)
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    made = make_parser(MODULE, "Training steps of the deep networks against ScatLayer.", 5)
    made.add_argument("--width", type=int, default=16, metavar="C", help="width of the networks (default 16)")
    made.add_argument("--batch", type=int, default=128, metavar="N", help="images of a step (default 128)")
    made.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cpu (default) or cuda")
    args: argparse.Namespace = made.parse_args(arguments)
    one_thread()
    width, batch, repeats = (2, 4, 1) if args.quick else (args.width, args.batch, args.repeats)
    publish(measure(NETWORKS, width, batch, args.device, repeats), args.out)


if __name__ == "__main__":
    main()
