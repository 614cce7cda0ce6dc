from dataclasses import asdict
from fractions import Fraction

import pytest
import torch
from torch import nn

from models import build
from models.cost import LayerCost, list_layer_costs
from models.invariant import InvariantLayer

# Table 1.4, as notes.md corrects it for the wide network: (25*10 + 25*1000) / (9*7 + 9*343) parameters and
# (25*10*28^2 + 25*1000*14^2) / (9*7*28^2 + 9*343*14^2) multiplies.
TABLE_1_4 = {
    "conv": (Fraction(1), Fraction(1)),
    "invariant": (Fraction(7, 9), Fraction(7, 36)),
    "shifted-impulse": (Fraction(7, 9), Fraction(7, 36)),
    "shifted-gaussian": (Fraction(7, 9), Fraction(7, 4)),
    "random": (Fraction(7, 9), Fraction(7, 4)),
    "learned": (Fraction(7), Fraction(7, 4)),
    "dct": (Fraction(7, 3), Fraction(7, 4)),
    "wide-conv": (Fraction(25250, 3150), Fraction(5096000, 654444)),
}


def studied(name):
    """The costs of the two layers that Table 1.4 counts."""
    costs = list_layer_costs(build(name, gain=1.0, seed=0), (1, 28, 28))
    return [cost for cost in costs if cost.kind != "linear"]


def total(costs, *fields):
    return sum(getattr(cost, field) for cost in costs for field in fields)


@pytest.mark.parametrize("name", TABLE_1_4)
def test_ratios_of_the_network_are_table_1_4s(name):
    costs, reference = studied(name), studied("conv")
    params, mults = TABLE_1_4[name]
    assert Fraction(total(costs, "params"), total(reference, "params")) == params
    assert Fraction(total(costs, "mults"), total(reference, "mults")) == mults


@pytest.mark.parametrize("name", [name for name in TABLE_1_4 if name != "wide-conv"])
def test_ratios_hold_layer_by_layer(name):
    for cost, reference in zip(studied(name), studied("conv"), strict=True):
        ratios = Fraction(cost.params, reference.params), Fraction(cost.mults, reference.mults)
        assert ratios == TABLE_1_4[name]


def test_wide_conv_is_8_and_7_8_rather_than_the_texts_7():
    wide, conv = studied("wide-conv"), studied("conv")
    ratios = [total(wide, field) / total(conv, field) for field in ("params", "mults")]
    assert [round(ratio, 1) for ratio in ratios] == [8.0, 7.8]


def test_with_the_transform_invariant_costs_0_31_of_conv():
    costs = studied("invariant")
    assert [cost.transform_mults for cost in costs] == [36 * 28 * 28, 36 * 7 * 14 * 14]
    ratio = total(costs, "mults", "transform_mults") / total(studied("conv"), "mults", "transform_mults")
    assert ratio == pytest.approx(0.31, abs=0.005)


@pytest.mark.parametrize(("channels", "outputs", "mixing", "taps"), [(4, 9, "1x1", 1), (4, 9, "learned", 9)])
def test_mixing_and_transform_are_equation_1_4_3(channels, outputs, mixing, taps):
    layer = InvariantLayer(channels, outputs, mixing=mixing, gain=1.0, generator=torch.Generator())
    (cost,) = list_layer_costs(nn.Sequential(layer), (channels, 10, 6))
    input_pixels = channels * 10 * 6
    assert cost.mults == taps * Fraction(7, 4) * outputs * input_pixels
    assert cost.transform_mults == 36 * input_pixels


def test_every_layer_of_conv():
    assert list_layer_costs(build("conv", gain=1.0, seed=0), (1, 28, 28)) == [
        LayerCost("conv1", "conv", 63, 63 * 28 * 28, 0),
        LayerCost("conv2", "conv", 3087, 3087 * 14 * 14, 0),
        LayerCost("project", "linear", 0, 24010, 0),
        LayerCost("reshuffle", "linear", 100, 100, 0),
    ]


def test_a_cost_as_plain_data_is_the_record():
    assert asdict(LayerCost("conv1", "conv", 63, 49392, 0)) == {
        "name": "conv1",
        "kind": "conv",
        "params": 63,
        "mults": 49392,
        "transform_mults": 0,
    }


def test_counting_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.Conv2d(1, 7, 3), nn.BatchNorm2d(7)).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    list_layer_costs(network, (1, 28, 28))
    assert network.training
    assert not network[0]._forward_hooks
    for key, value in network.state_dict().items():
        assert value.device.type == "cpu"
        assert torch.equal(value, before[key]), key


# Table 1.7 at C = 96: the back end's four 3x3 convolutions at 8x8, and the linear head, for any front end.
BACK = 9 * (192 * 192 + 192 * 384 + 384 * 384)
HEAD = 384 * 10
# What the front end adds: weights, multiplies and multiplies of the transform, by equations 1.4.2 and 1.4.3.
TABLE_1_7 = {
    "A": (9 * 147 * 192, 0, 36 * (3 * 32**2 + 21 * 16**2)),
    "B": (9 * 147 * 192 + 7 * 3 * 21 + 7 * 21 * 147, 7 * 3 * 21 * 16**2 + 7 * 21 * 147 * 8**2, None),
    "C": (9 * 784 * 192 + 9 * 3 * 16, 9 * 3 * 16 * 32**2, 36 * (16 * 32**2 + 112 * 16**2)),
    "D": (
        9 * 784 * 192 + 9 * 3 * 16 + 7 * 16 * 112 + 7 * 112 * 784,
        9 * 3 * 16 * 32**2 + 7 * 16 * 112 * 16**2 + 7 * 112 * 784 * 8**2,
        None,
    ),
}
PUBLISHED_1_7 = {"A": (2.6, 165), "B": (2.7, 167), "C": (3.7, 251), "D": (4.3, 294)}
FIRST_OF_96 = 9 * (96 - 3) * 16 * 32**2
"""The published multiplies of C and D are those of a first convolution with 96 input channels instead of 3."""


@pytest.mark.parametrize("kind", TABLE_1_7)
def test_scatnets_cost_what_the_formulas_say(kind):
    costs = list_layer_costs(build(f"scatnet{kind}", gain=1.0, seed=0, input_shape=(3, 32, 32)), (3, 32, 32))
    params, mults, transform = TABLE_1_7[kind]
    into_back = 9 * {"A": 147, "B": 147, "C": 784, "D": 784}[kind] * 192
    assert total(costs, "params") == params + BACK + HEAD
    assert total(costs, "mults") == mults + (into_back + BACK) * 8**2 + HEAD
    if transform is None:  # Mixing learned or not, the transforms are the same.
        transform = TABLE_1_7["A" if kind == "B" else "C"][2]
    assert total(costs, "transform_mults") == transform


@pytest.mark.parametrize("kind", TABLE_1_7)
def test_scatnets_cost_what_table_1_7_prints(kind):
    """To its digits, but for two counts: B's weights, and the first convolution of C and D."""
    costs = list_layer_costs(build(f"scatnet{kind}", gain=1.0, seed=0, input_shape=(3, 32, 32)), (3, 32, 32))
    params, mults = PUBLISHED_1_7[kind]
    assert round(total(costs, "params") / 1e6, 1) == {"B": 2.6}.get(kind, params)
    counted = total(costs, "mults", "transform_mults") + (FIRST_OF_96 if kind in "CD" else 0)
    assert abs(counted / 1e6 - mults) < 0.6


def test_fixed_scattering_costs_its_transform_only():
    costs = list_layer_costs(build("scatnetA-w4", gain=1.0, seed=0, input_shape=(3, 32, 32)), (3, 32, 32))
    assert costs[:2] == [
        LayerCost("scat1", "scattering", 0, 0, 36 * 3 * 32**2),
        LayerCost("scat2", "scattering", 0, 0, 36 * 21 * 16**2),
    ]


def test_reference_is_9_c_c_a_pixel():
    """Table 1.5 (a) at C = 64."""
    costs = list_layer_costs(build("ref", gain=1.0, seed=0, input_shape=(3, 32, 32)), (3, 32, 32))
    weights = {"convA": 3 * 64, "convB": 64**2, "convC": 2 * 64**2, "convD": 4 * 64**2, "convE": 8 * 64**2}
    heights = {"convA": 32, "convB": 32, "convC": 16, "convD": 16, "convE": 8, "convF": 8}
    expected = {name: 9 * count for name, count in (weights | {"convF": 16 * 64**2}).items()}
    assert {cost.name: (cost.params, cost.mults) for cost in costs if cost.kind == "conv"} == {
        name: (expected[name], expected[name] * heights[name] ** 2) for name in expected
    }
    assert costs[-1] == LayerCost("fc1", "linear", 2560, 2560, 0)


@pytest.mark.parametrize(
    ("suffix", "params", "mults"),
    [
        ("", Fraction(7, 9), Fraction(7, 36)),
        ("-B", Fraction(7, 9), Fraction(7, 36)),
        ("-C", Fraction(7), Fraction(7, 4)),
    ],
)
@pytest.mark.parametrize("letter", "ABDF")
def test_a_swapped_layer_costs_as_in_table_1_4(suffix, params, mults, letter):
    """Whether it is upsampled (A, F) or takes the place of a pooling (B, D): the mixing comes before either."""
    shape = (3, 32, 32)
    swapped, reference = (
        {cost.name: cost for cost in list_layer_costs(build(name, gain=1.0, seed=0, input_shape=shape), shape)}
        for name in (f"inv{letter}{suffix}-w8", "ref-w8")
    )
    assert Fraction(swapped[f"inv{letter}"].params, reference[f"conv{letter}"].params) == params
    assert Fraction(swapped[f"inv{letter}"].mults, reference[f"conv{letter}"].mults) == mults
    for name in swapped.keys() & reference.keys():
        assert swapped[name] == reference[name]


@pytest.mark.parametrize(("suffix", "ratio"), [("", Fraction(7, 9)), ("-B", Fraction(7, 9)), ("-C", Fraction(7))])
@pytest.mark.parametrize("letter", "CE")
def test_a_layer_just_after_a_pooling_mixes_at_the_size_of_its_convolution(suffix, ratio, letter):
    """It takes the place of the pooling, so there is no quarter to save."""
    shape = (3, 32, 32)
    swapped, reference = (
        {cost.name: cost for cost in list_layer_costs(build(name, gain=1.0, seed=0, input_shape=shape), shape)}
        for name in (f"inv{letter}{suffix}-w8", "ref-w8")
    )
    assert Fraction(swapped[f"inv{letter}"].mults, reference[f"conv{letter}"].mults) == ratio
