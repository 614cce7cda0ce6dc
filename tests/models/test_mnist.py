"""Table 1.1: layers, their names and the sizes between them."""

import pytest
import torch

from models import ARCHITECTURES, build, describe_architecture
from models.mnist import TABLE_1_4

TAIL = {"unravel": (2401,), "project": (10,), "relu_project": (10,), "reshuffle": (10,)}
CONV = {
    "conv1": (7, 28, 28),
    "relu1": (7, 28, 28),
    "maxpool1": (7, 14, 14),
    "conv2": (49, 14, 14),
    "relu2": (49, 14, 14),
    "maxpool2": (49, 7, 7),
} | TAIL
INVARIANT = {"inv1": (7, 14, 14), "relu1": (7, 14, 14), "inv2": (49, 7, 7), "relu2": (49, 7, 7)} | TAIL
WIDE = {
    "conv1": (10, 28, 28),
    "relu1": (10, 28, 28),
    "maxpool1": (10, 14, 14),
    "conv2": (100, 14, 14),
    "relu2": (100, 14, 14),
    "maxpool2": (100, 7, 7),
} | (TAIL | {"unravel": (4900,)})
TABLE_1_1 = dict.fromkeys(TABLE_1_4, INVARIANT) | {"conv": CONV, "wide-conv": WIDE}


@pytest.mark.parametrize("name", TABLE_1_4)
def test_activations_are_those_of_table_1_1(name):
    x = torch.zeros(2, 1, 28, 28)
    sizes = {}
    for child, module in build(name, gain=1.0, seed=0).named_children():
        x = module(x)
        sizes[child] = tuple(x.shape[1:])
    assert sizes == TABLE_1_1[name]
    assert list(sizes) == list(TABLE_1_1[name])


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 13, 6)])
def test_description_foretells_the_built_networks_shapes(name, shape):
    description = describe_architecture(name, shape)
    x = torch.zeros(1, *shape)
    for child, module in build(name, gain=1.0, seed=0, input_shape=shape).named_children():
        x, shape = module(x), description[child].shape_after(shape)
        assert tuple(x.shape[1:]) == shape, child


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_descriptions_are_plain_values(name):
    assert describe_architecture(name) == describe_architecture(name)
    assert hash(tuple(describe_architecture(name).values()))
