"""Table 1.5, and the swaps of Table 1.6 with the pooling rules of the text."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from models import FAMILIES, build, describe_architecture
from models.deep_layers import BareConv, BareInvariant
from models.description import MaxPool
from models.kernels import KERNELS

# Table 1.5, (a) and (b): what each layer gives, in units of C channels.
CIFAR = {
    "convA": (1, 32),
    "convB": (1, 32),
    "pool1": (1, 16),
    "convC": (2, 16),
    "convD": (2, 16),
    "pool2": (2, 8),
    "convE": (4, 8),
    "convF": (4, 8),
    "avg": (4, 1),
}
TINY = {
    "convA": (1, 64),
    "convB": (1, 64),
    "pool1": (1, 32),
    "convC": (2, 32),
    "convD": (2, 32),
    "pool2": (2, 16),
    "convE": (4, 16),
    "convF": (4, 16),
    "pool3": (4, 8),
    "convG": (8, 8),
    "convH": (8, 8),
    "avg": (8, 1),
}

# For each swap: the size after each of its invariant layers (with their upsampling), and the poolings that stay.
SWAPS_32 = {
    "invA": ({"A": 32}, {"pool1", "pool2"}),
    "invB": ({"B": 16}, {"pool2"}),
    "invC": ({"C": 16}, {"pool2"}),
    "invD": ({"D": 8}, {"pool1"}),
    "invE": ({"E": 8}, {"pool1"}),
    "invF": ({"F": 8}, {"pool1", "pool2"}),
    "invA+invB": ({"A": 32, "B": 16}, {"pool2"}),
    "invB+invC": ({"B": 16, "C": 16}, {"pool2"}),
    "invC+invD": ({"C": 16, "D": 8}, set()),
    "invD+invE": ({"D": 8, "E": 8}, {"pool1"}),
    "invA+invC": ({"A": 32, "C": 16}, {"pool2"}),
    "invB+invD": ({"B": 16, "D": 8}, set()),
    "invC+invE": ({"C": 16, "E": 8}, set()),
    "invAll": ({"A": 32, "B": 16, "C": 16, "D": 8, "E": 8, "F": 8}, set()),
}
SWAPS_64 = {
    "invE": ({"E": 16}, {"pool1", "pool3"}),
    "invF": ({"F": 8}, {"pool1", "pool2"}),
    "invG": ({"G": 8}, {"pool1", "pool2"}),
    "invH": ({"H": 8}, {"pool1", "pool2", "pool3"}),
    "invF+invG": ({"F": 8, "G": 8}, {"pool1", "pool2"}),
    "invC+invE": ({"C": 32, "E": 16}, {"pool3"}),
    "invAll": ({"A": 64, "B": 32, "C": 32, "D": 16, "E": 16, "F": 8, "G": 8, "H": 8}, set()),
}
SWAPS = [(32, name, *what) for name, what in SWAPS_32.items()] + [(64, name, *what) for name, what in SWAPS_64.items()]


def network_of(name, seed=0) -> Any:
    """The network for CIFAR."""
    return build(name, gain=1.0, seed=seed, input_shape=(3, 32, 32))


def outputs(name, size, width):
    """The activations' shapes after each child of the network."""
    x = torch.zeros(2, 3, size, size)
    found = {}
    for child, module in build(f"{name}-w{width}", gain=1.0, seed=0, input_shape=(3, size, size)).named_children():
        x = module(x)
        found[child] = tuple(x.shape[1:])
    return found


@pytest.mark.parametrize(("size", "table"), [(32, CIFAR), (64, TINY)])
def test_the_reference_is_table_1_5(size, table):
    found = outputs("ref", size, 5)
    assert {child: shape for child, shape in found.items() if child in table} == {
        child: (5 * channels, height, height) for child, (channels, height) in table.items()
    }
    assert found["fc1"] == (10,)
    order = [child for child in found if child.startswith(("conv", "pool", "avg"))]
    assert order == list(table)


def test_64_channels_by_default():
    description = describe_architecture("ref", (3, 32, 32))
    assert [layer.out for layer in description.values() if isinstance(layer, BareConv)] == [64, 64, 128, 128, 256, 256]


@pytest.mark.parametrize(("size", "name", "sizes", "pools"), SWAPS)
def test_poolings_of_a_swap(size, name, sizes, pools):
    reference = {32: CIFAR, 64: TINY}[size]
    found = outputs(name, size, 5)
    assert {child for child in found if child.startswith("pool")} == pools
    for letter, height in sizes.items():
        channels = reference[f"conv{letter}"][0]
        assert found[f"relu{letter}"] == (5 * channels, height, height)
        assert f"conv{letter}" not in found
    assert {child for child in found if child.startswith("inv")} == {f"inv{letter}" for letter in sizes}
    assert found["avg"] == (5 * {32: 4, 64: 8}[size], 1, 1)


@pytest.mark.parametrize(("size", "name", "sizes", "pools"), SWAPS)
def test_activations_of_the_other_layers_are_the_references(size, name, sizes, pools):
    """`Keeping the input and output activation sizes the same`: but where a pooling has moved to before its place."""
    reference, found = (outputs(which, size, 3) for which in ("ref", name))
    first = [letter for letter in sizes if f"inv{letter}" in found]
    for child, shape in found.items():
        letter = child.removeprefix("relu")
        if child.startswith("relu") and letter not in first:
            assert shape == reference[child], child


@pytest.mark.parametrize("size", [32, 64])
def test_every_member_ends_in_8_by_8(size):
    for name in FAMILIES["vgg"].members:
        if size == 32 and set(name) & set("GH"):
            continue
        shape = (3, size, size)
        for child, layer in describe_architecture(f"{name}-w2", shape).items():
            if child == "avg":
                assert shape == (2 * size // 8, 8, 8), name
            shape = layer.shape_after(shape)


@pytest.mark.parametrize(("suffix", "mixing"), [("", "1x1"), ("-B", "shifted-impulse"), ("-C", "learned")])
def test_columns_of_table_1_6_are_mixings(suffix, mixing):
    network = network_of(f"invB+invD{suffix}-w3")
    assert type(network.invB.kernel) is type(network.invD.kernel) is KERNELS[mixing]


def test_order_is_mixing_upsampling_normalisation_relu():
    children = list(network_of("invA-w3").named_children())[:4]
    assert [name for name, _ in children] == ["invA", "upA", "bnA", "reluA"]
    assert [type(module) for _, module in children[1:]] == [nn.Upsample, nn.BatchNorm2d, nn.ReLU]


def test_upsampling_is_bilinear_and_does_not_align_corners():
    up = network_of("invA-w3").upA
    ramp = torch.arange(4.0).expand(1, 1, 2, 4)
    # By hand: samples at (i + 1/2) / 2 - 1/2 of the small grid, held constant beyond its first and last.
    expected = torch.tensor([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
    torch.testing.assert_close(up(ramp), expected.expand(1, 1, 4, 8))


def test_no_layer_before_a_batch_norm_has_a_bias():
    network = network_of("invB+invC-C-w3")
    assert {key for key, _ in network.named_parameters() if key.endswith("bias")} == {
        *(f"bn{letter}.bias" for letter in "ABCDEF"),
        "fc1.bias",
    }


def test_the_reference_computes_what_torch_layers_do():
    """Table 1.5 (a) written out by hand with the network's weights."""
    network = network_of("ref-w4", seed=3).eval()
    x = y = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for place, letter in enumerate("ABCDEF"):
        convolution, norm = network.get_submodule(f"conv{letter}"), network.get_submodule(f"bn{letter}")
        y = F.conv2d(y, convolution.weight, padding=1)
        y = F.relu(F.batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias))
        if place in (1, 3):
            y = F.max_pool2d(y, 2)
    y = F.linear(y.mean((2, 3)), network.fc1.weight, network.fc1.bias)
    torch.testing.assert_close(network(x), y)


def test_poolings_are_2_by_2():
    description = describe_architecture("ref", (3, 64, 64))
    assert [type(description[f"pool{number}"]) for number in (1, 2, 3)] == [MaxPool] * 3
    assert not any(isinstance(layer, BareInvariant) for layer in description.values())
