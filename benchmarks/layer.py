"""One layer, forward and backward: the native engine against torch and pytorch_wavelets.

    python -m benchmarks.layer --out layer.md

First the scattering layer z alone, then the whole invariant layer (z and a 1x1 mixing with a bias, no ReLU)
against a 3x3 convolution of as many channels. Every contender gives the gradient of its input and weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from benchmarks.common.contenders import (
    Autograd,
    Contender,
    Converted,
    Native,
    channels_last,
    measure_difference,
    put_batch_last,
)
from benchmarks.common.interleave import interleave, one_thread
from benchmarks.common.options import make_parser, publish
from benchmarks.common.report import Report, describe_target, format_times
from benchmarks.common.usual import UsualInvariant, make_scat_layer
from models.description import Conv, Invariant, Layer, Scatter
from models.invariant import InvariantLayer
from models.scattering import Scattering

MODULE = "benchmarks.layer"
Size = tuple[int, int, int, int, int]
SIZES: Sequence[Size] = (
    (128, 1, 28, 28, 7),
    (128, 7, 14, 14, 49),
    (64, 64, 32, 32, 64),
    (64, 128, 16, 16, 128),
)
"""(N, C, H, W, F): images, channels, height, width, and output channels."""
QUICK: Sequence[Size] = ((32, 2, 6, 5, 3),)
SCATTERING_TARGET, INVARIANT_TARGET = 14, 1
CONVS = ("conv, torch NCHW", "conv, torch channels_last", "conv, native")


def contest(layer: Layer, size: Size) -> tuple[nn.Module, Tensor, Tensor]:
    """The torch form of a layer, images, and a gradient of its output."""
    count, *shape, _ = size
    generator = torch.Generator().manual_seed(0)
    module = layer.build(tuple(shape), 1.0, generator)
    x = torch.randn(count, *shape, generator=generator)
    return module, x, torch.randn(count, *layer.shape_after(tuple(shape)), generator=generator)


def make_scatterings(size: Size) -> dict[str, Contender]:
    """The scattering layer z; the first is the reference."""
    module, x, dy = contest(Scatter(), size)
    return {
        "z, ScatLayer": Autograd(make_scat_layer(), x, dy),
        "z, torch": Autograd(Scattering(), x, dy, put_batch_last),
        "z, native": Native({"z": Scatter()}, module, x, dy),
        "z, native, from and to NCHW": Converted({"z": Scatter()}, module, x, dy),
    }


def make_invariants(size: Size) -> dict[str, Contender]:
    """The invariant layer; the first is the reference."""
    layer = Invariant(size[-1])
    module, x, dy = contest(layer, size)
    assert isinstance(module, InvariantLayer)
    weights = list(module.parameters())
    return {
        "invariant, ScatLayer + 1x1 conv": Autograd(UsualInvariant(module), x, dy, weights=weights),
        "invariant, torch": Autograd(module, x, dy, put_batch_last, weights),
        "invariant, native": Native({"inv": layer}, module, x, dy),
    }


def convolutions(size: Size) -> dict[str, Contender]:
    """The 3x3 convolution; the first is the reference."""
    layer = Conv(size[-1])
    module, x, dy = contest(layer, size)
    last, *_ = contest(layer, size)
    last = last.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    made: list[Contender] = [
        Autograd(module, x, dy, weights=list(module.parameters())),
        Autograd(last, x, dy, channels_last, list(last.parameters())),
        Native({"conv": layer}, module, x, dy),
    ]
    return dict(zip(CONVS, made, strict=True))


def measure_differences(contenders: Mapping[str, Contender]) -> dict[str, float]:
    """How far each contender is from the first."""
    for contender in contenders.values():
        contender()
    reference, *others = contenders
    expected = contenders[reference].results()
    return {name: measure_difference(contenders[name].results(), expected) for name in others}


def make_title(size: Size) -> str:
    """A size as a row's name."""
    return f"{size[:4]} -> {size[4]}"


def measure_scattering_row(size: Size, seconds: Mapping[str, float]) -> dict[str, str]:
    """The ratios of one size for z."""
    usual = seconds["z, ScatLayer"]
    ratio = usual / seconds["z, native"]
    return {
        "(N, C, H, W) -> F": make_title(size),
        "native vs ScatLayer": format_times(ratio),
        "target": describe_target(ratio, SCATTERING_TARGET),
        "native from and to NCHW vs ScatLayer": format_times(usual / seconds["z, native, from and to NCHW"]),
        "torch vs ScatLayer": format_times(usual / seconds["z, torch"]),
    }


def measure_invariant_row(size: Size, seconds: Mapping[str, float]) -> dict[str, str]:
    """The ratios of one size for the invariant layer."""
    native, fastest = seconds["invariant, native"], min(CONVS, key=lambda name: seconds[name])
    ratio = seconds[fastest] / native
    return {
        "(N, C, H, W) -> F": make_title(size),
        "native vs fastest 3x3 conv": format_times(ratio),
        "target": describe_target(ratio, INVARIANT_TARGET, ">"),
        "fastest": fastest,
        "native vs native conv": format_times(seconds[CONVS[2]] / native),
        "native vs best torch conv": format_times(min(seconds[name] for name in CONVS[:2]) / native),
        "native vs ScatLayer + 1x1 conv": format_times(seconds["invariant, ScatLayer + 1x1 conv"] / native),
        "native vs torch": format_times(seconds["invariant, torch"] / native),
    }


def measure(sizes: Sequence[Size], repeats: int) -> Report:
    """Checks that the contenders agree, then times them."""
    seconds: dict[Size, dict[str, float]] = {}
    apart: dict[str, float] = {}
    for size in sizes:
        groups = [make_scatterings(size), make_invariants(size), convolutions(size)]
        for group in groups:
            for name, found in measure_differences(group).items():
                apart[name] = max(found, apart.get(name, 0.0))
        seconds[size] = interleave({name: call for group in groups for name, call in group.items()}, repeats)
    report = Report("One layer, forward and backward, one core", MODULE)
    report.text(f"Medians of {repeats} interleaved repeats. A ratio above 1 says how many times faster the first is.")
    report.table("Scattering z: ratios", [measure_scattering_row(size, found) for size, found in seconds.items()])
    report.table("Invariant layer: ratios", [measure_invariant_row(size, found) for size, found in seconds.items()])
    names = next(iter(seconds.values()))
    milliseconds = [
        {"": name, **{make_title(size): f"{1e3 * found[name]:.3g}" for size, found in seconds.items()}}
        for name in names
    ]
    report.table("Milliseconds", milliseconds)
    report.text(
        f"Largest relative difference of outputs and gradients from the first of each kind: {max(apart.values()):.1e}."
    )
    report.table("Relative differences", [{"": name, "largest": f"{found:.1e}"} for name, found in apart.items()])
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    asked = make_parser(MODULE, "Times one layer, forward and backward.", repeats=15).parse_args(arguments)
    one_thread()
    publish(measure(QUICK if asked.quick else SIZES, asked.repeats), asked.out)


if __name__ == "__main__":
    main()
