"""The contract of every layer of examples/: what the architectures of models keep, it keeps, too."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import models
from models.cost import LayerCost, list_layer_costs
from models.own import Reference, register
from models.own.layers import OwnPart
from search.datasets import find_dataset
from search.training.first_step import try_first_step
from spaces import Hyperparameters, TrialSpec

ROOT = Path(__file__).resolve().parents[3]


def list_layers() -> list[str]:
    """``FILE.py:NAME`` of every class in examples/ whose constructor begins as a layer's."""
    found = []
    for path in sorted((ROOT / "examples").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for part in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                    names = [argument.arg for argument in part.args.args]
                    if names[1:3] == ["in_channels", "out_channels"] and isinstance(node, ast.ClassDef):
                        found.append(f"{path}:{node.name}")
    return found


every = pytest.mark.parametrize("reference", list_layers(), ids=lambda text: text.rpartition("/")[2])


def images(n: int = 4) -> torch.Tensor:
    return torch.randn((n, 1, 28, 28), generator=torch.Generator().manual_seed(0))


def test_there_are_some() -> None:
    assert list_layers()


@every
@pytest.mark.parametrize("places", ["", "@C-w2", "@B+C-w2"])
def test_it_stands_where_it_is_put_and_learns(reference: str, places: str) -> None:
    name = register(Reference.parse(reference + places)).name
    shape = (3, 32, 32) if places else (1, 28, 28)
    network = models.build(name, gain=1.0, seed=0, input_shape=shape, classes=4)
    F.cross_entropy(network(torch.randn(4, *shape)), torch.arange(4)).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key


@every
def test_the_seed_decides_and_gain_scales_its_weights(reference: str) -> None:
    name = register(Reference.parse(reference)).name
    one, again, other, gained = (
        models.build(name, gain=gain, seed=seed).state_dict() for gain, seed in ((1, 0), (1, 0), (1, 1), (1.5, 0))
    )
    for key, value in one.items():
        assert torch.equal(value, again[key]), key
        scaled = value.dim() >= 2 and key.startswith("own") and not key.endswith("bias")
        assert torch.equal(gained[key], 1.5 * value if scaled else value), key
    assert any(not torch.equal(value, other[key]) for key, value in one.items() if key.startswith("own"))


@every
def test_checkpoint_round_trip(reference: str) -> None:
    name = register(Reference.parse(reference)).name
    source, target = models.build(name, gain=1.0, seed=0), models.build(name, gain=2.0, seed=1)
    file = io.BytesIO()
    torch.save(source.state_dict(), file)
    file.seek(0)
    target.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(source.eval()(images()), target.eval()(images()))


@every
def test_it_resumes_bitwise(reference: str) -> None:
    found, data = register(Reference.parse(reference)), find_dataset("digits")
    theta = Hyperparameters(lr=0.1, momentum=0.9, weight_decay=1e-4, gain=1.0)
    try_first_step(found, TrialSpec("sweep", found.name, data.name, data.data_hash, theta, 0, 0, 16), data)


def test_the_cost_of_a_depthwise_separable_convolution_is_counted_by_hand() -> None:
    name = register(Reference.parse(f"{ROOT}/examples/depthwise.py:Depthwise")).name
    parts = [part for part, layer in models.describe_architecture(name).items() if isinstance(layer, OwnPart)]
    costs = list_layer_costs(models.build(name, gain=1.0, seed=0), (1, 28, 28), parts)
    first, second = 9 * 1 + 1 * 7, 9 * 7 + 7 * 49
    assert costs[:2] == [
        LayerCost("own1", "own", first, first * 28**2, 0),
        LayerCost("own2", "own", second, second * 14**2, 0),
    ]
    assert [cost.kind for cost in costs[2:]] == ["linear", "linear"]
