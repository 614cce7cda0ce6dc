from fractions import Fraction

import pytest
import torch
from torch import nn

from models import ARCHITECTURES, LayerCost, build, layer_costs
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
    costs = layer_costs(build(name, gain=1.0, seed=0), (1, 28, 28))
    return [cost for cost in costs if cost.kind != "linear"]


def total(costs, *fields):
    return sum(getattr(cost, field) for cost in costs for field in fields)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_ratios_of_the_network_are_table_1_4s(name):
    costs, reference = studied(name), studied("conv")
    params, mults = TABLE_1_4[name]
    assert Fraction(total(costs, "params"), total(reference, "params")) == params
    assert Fraction(total(costs, "mults"), total(reference, "mults")) == mults


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "wide-conv"])
def test_ratios_hold_layer_by_layer(name):
    for cost, reference in zip(studied(name), studied("conv"), strict=True):
        ratios = Fraction(cost.params, reference.params), Fraction(cost.mults, reference.mults)
        assert ratios == TABLE_1_4[name]


def test_wide_conv_is_8_and_7_8_rather_than_the_texts_7():
    assert [round(float(ratio), 1) for ratio in TABLE_1_4["wide-conv"]] == [8.0, 7.8]


def test_with_the_transform_invariant_costs_0_31_of_conv():
    costs = studied("invariant")
    assert [cost.transform_mults for cost in costs] == [36 * 28 * 28, 36 * 7 * 14 * 14]
    ratio = total(costs, "mults", "transform_mults") / total(studied("conv"), "mults", "transform_mults")
    assert ratio == pytest.approx(0.31, abs=0.005)


@pytest.mark.parametrize(("channels", "outputs", "mixing", "taps"), [(4, 9, "1x1", 1), (4, 9, "learned", 9)])
def test_mixing_and_transform_are_equation_1_4_3(channels, outputs, mixing, taps):
    layer = InvariantLayer(channels, outputs, mixing=mixing, gain=1.0, generator=torch.Generator())
    (cost,) = layer_costs(nn.Sequential(layer), (channels, 10, 6))
    input_pixels = channels * 10 * 6
    assert cost.mults == taps * Fraction(7, 4) * outputs * input_pixels
    assert cost.transform_mults == 36 * input_pixels


def test_upsampling_does_not_change_what_the_mixing_costs():
    plain, upsampled = (
        InvariantLayer(2, 3, gain=1.0, generator=torch.Generator(), upsample=upsample) for upsample in (False, True)
    )
    assert layer_costs(nn.Sequential(upsampled), (2, 8, 8)) == layer_costs(nn.Sequential(plain), (2, 8, 8))


def test_every_layer_of_conv():
    assert layer_costs(build("conv", gain=1.0, seed=0), (1, 28, 28)) == [
        LayerCost("conv1", "conv", 63, 63 * 28 * 28, 0),
        LayerCost("conv2", "conv", 3087, 3087 * 14 * 14, 0),
        LayerCost("project", "linear", 0, 24010, 0),
        LayerCost("reshuffle", "linear", 100, 100, 0),
    ]


def test_as_dict_is_the_record():
    assert LayerCost("conv1", "conv", 63, 49392, 0).as_dict() == {
        "name": "conv1",
        "kind": "conv",
        "params": 63,
        "mults": 49392,
        "transform_mults": 0,
    }


def test_counting_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.Conv2d(1, 7, 3), nn.BatchNorm2d(7)).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    layer_costs(network, (1, 28, 28))
    assert network.training
    assert not network[0]._forward_hooks
    for key, value in network.state_dict().items():
        assert value.device.type == "cpu"
        assert torch.equal(value, before[key]), key
