"""Which of the user's own layers a pack can have: those that are, as lanes, what they are alone."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from models.own import Reference, register
from search.datasets import find_dataset
from search.training.packable import explain_alone
from spaces import Hyperparameters, TrialSpec

pytestmark = pytest.mark.usefixtures("registered")

THETA = Hyperparameters(lr=0.05, momentum=0.5, weight_decay=1e-4, gain=1.0)
LAYER = """
import torch
from torch import nn
import torch.nn.functional as F

class Mine(nn.Module):
    def __init__(self, in_channels, out_channels{more}):
        super().__init__()
        {constructor}

    def forward(self, x):
        {forward}
"""
CONV = "self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)"
NETWORK = """
import torch
from torch import nn

def net(input_shape, classes):
    channels, height, width = input_shape
    return nn.Sequential(nn.Conv2d(channels, 4, 5, stride=3), nn.Tanh(), nn.Flatten(), nn.LazyLinear(classes))
"""


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., str | None]:
    def ask(
        constructor: str = CONV,
        forward: str = "return self.conv(x)",
        more: str = "",
        code: str = "",
        name: str = "Mine",
    ) -> str | None:
        path = tmp_path / "mine.py"
        path.write_text(code or LAYER.format(constructor=constructor, forward=textwrap.dedent(forward), more=more))
        own = register(Reference.parse(f"{path}:{name}"))
        data = find_dataset("digits")
        trial = TrialSpec("sweep", own.name, data.name, data.data_hash, THETA, 0, 0, 64)
        return explain_alone(trial, data)

    return ask


def test_layers_that_map_are_packed(ask: Callable[..., str | None]) -> None:
    assert ask() is None


def test_a_buffer_that_depends_on_the_gain_is_each_lanes_own(ask: Callable[..., str | None]) -> None:
    assert (
        ask(CONV + '; self.register_buffer("scale", torch.tensor(gain))', "return self.scale * self.conv(x)", ", gain")
        is None
    )


def test_a_whole_network_is_packed(ask: Callable[..., str | None]) -> None:
    assert ask(code=NETWORK, name="net") is None


@pytest.mark.parametrize(
    ("constructor", "forward", "more", "reason"),
    [
        (CONV + "; self.gain = gain", "return self.gain * self.conv(x)", ", gain", "as a lane it is another network: "),
        (
            CONV,
            "return F.dropout(self.conv(x), 0.5, self.training)",
            "",
            "a pack cannot train it: RuntimeError: vmap",
        ),
        (CONV, "y = self.conv(x); return y if y.sum() > 0 else -y", "", "a pack cannot train it: RuntimeError"),
        (CONV + "; self.norm = nn.BatchNorm2d(out_channels)", "return self.norm(self.conv(x))", "", ""),
        (
            CONV + "; self.conv.bias.requires_grad_(False)",
            "return self.conv(x)",
            "",
            "it has weights that are not learned (requires_grad False)",
        ),
        (
            CONV + "; self.spare = nn.Linear(2, 2)",
            "return self.conv(x)",
            "",
            "a pack cannot train it: RuntimeError: The differentiated Tensor",
        ),
    ],
)
def test_others_are_trained_alone_and_it_is_said_why(
    ask: Callable[..., str | None], constructor: str, forward: str, more: str, reason: str
) -> None:
    assert (ask(constructor, forward, more) or "packed").startswith(reason or ("a pack cannot train it", "as a lane"))


def test_the_chapters_own_networks_are_packed_and_deep_ones_are_not() -> None:
    for dataset, name, alone in (("digits", "dct", False), ("cifar10", "ref-w2", True)):
        data = find_dataset(dataset)
        reason = explain_alone(TrialSpec("sweep", name, data.name, data.data_hash, THETA, 0, 0, 64), data)
        assert bool(reason and "BatchNorm" in reason) == alone
