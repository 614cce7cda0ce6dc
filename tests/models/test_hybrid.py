"""The ScatNets of Table 1.7, and that the invariant layers contain the second-order ScatterNet (section 1.3.1.1)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_wavelets import ScatLayer, ScatLayerj2
from torch import nn

from models import build, describe_architecture
from models.deep_layers import BareConv, BareInvariant, Dropout

CIFAR = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar10-subset" / "cifar-10-batches-bin"
BYTES = 3 * 32 * 32

# Names and shapes of what each layer gives, by notes.md; C = 96 where nothing else is said.
FRONT = {
    "A": {"scat1": (21, 16, 16), "scat2": (147, 8, 8)},
    "B": {"inv1": (21, 16, 16), "inv2": (147, 8, 8)},
    "C": {"convA": (16, 32, 32), "scat1": (112, 16, 16), "scat2": (784, 8, 8)},
    "D": {"convA": (16, 32, 32), "inv1": (112, 16, 16), "inv2": (784, 8, 8)},
}
BACK = {"convC": (192, 8, 8), "convD": (192, 8, 8), "convE": (384, 8, 8), "convF": (384, 8, 8), "avg": (384, 1, 1)}
BACK_64 = {
    "convC": (2, 16, 16),
    "convD": (2, 16, 16),
    "convE": (4, 16, 16),
    "convF": (4, 16, 16),
    "pool": (4, 8, 8),
    "convG": (8, 8, 8),
    "convH": (8, 8, 8),
    "avg": (8, 1, 1),
}
LEARNED = {"A": 4, "B": 6, "C": 5, "D": 7}  # N_l of Table 1.7.


def shapes(name, size):
    """What each layer of the description gives, but for layers that leave the shape as it was."""
    shape, found = (3, size, size), {}
    for child, layer in describe_architecture(name, shape).items():
        shape = layer.shape_after(shape)
        if not child.startswith(("bn", "relu", "dropout", "unravel", "fc1")):
            found[child] = shape
    return found


@pytest.mark.parametrize("kind", FRONT)
def test_activations_at_32(kind):
    assert shapes(f"scatnet{kind}", 32) == FRONT[kind] | BACK
    assert list(shapes(f"scatnet{kind}", 32)) == [*FRONT[kind], *BACK]


@pytest.mark.parametrize("kind", FRONT)
def test_activations_at_64(kind):
    front = {child: (channels, 2 * height, 2 * width) for child, (channels, height, width) in FRONT[kind].items()}
    back = {child: (96 * channels, height, width) for child, (channels, height, width) in BACK_64.items()}
    assert shapes(f"scatnet{kind}", 64) == front | back
    assert list(shapes(f"scatnet{kind}", 64)) == [*front, *back]


@pytest.mark.parametrize("kind", LEARNED)
def test_learned_layers_are_table_1_7s(kind):
    layers = describe_architecture(f"scatnet{kind}", (3, 32, 32)).values()
    assert sum(isinstance(layer, BareConv | BareInvariant) for layer in layers) == LEARNED[kind]


@pytest.mark.parametrize("kind", FRONT)
@pytest.mark.parametrize(("size", "letters"), [(32, "CDEF"), (64, "CDEFGH")])
def test_dropout_of_0_3_follows_each_back_end_convolution_and_no_other_layer(kind, size, letters):
    description = describe_architecture(f"scatnet{kind}", (3, size, size))
    names = list(description)
    assert {name for name, layer in description.items() if isinstance(layer, Dropout)} == {
        f"dropout{letter}" for letter in letters
    }
    for letter in letters:
        place = names.index(f"conv{letter}")
        assert names[place : place + 4] == [f"{kind}{letter}" for kind in ("conv", "bn", "relu", "dropout")]
        assert description[f"dropout{letter}"] == Dropout(0.3)


@pytest.mark.parametrize("kind", "AC")
def test_nothing_is_learned_or_between_the_fixed_orders(kind):
    names = list(describe_architecture(f"scatnet{kind}", (3, 32, 32)))
    place = names.index("scat1")
    assert names[place : place + 3] == ["scat1", "scat2", "convC"]
    assert not list(network_of(kind).scat1.parameters())


def network_of(kind) -> Any:
    """A narrow network: C has no effect on the front end."""
    return build(f"scatnet{kind}-w2", gain=1.0, seed=0, input_shape=(3, 32, 32))


def photographs():
    """CIFAR-10 images (N, 3, 32, 32) as float64 in 0..1, or random ones: the identity holds for any."""
    if not CIFAR.exists():
        return torch.rand((24, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = np.fromfile(CIFAR / "test_batch.bin", np.uint8).reshape(-1, 1 + BYTES)[:24]
    return torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32) / 255)


def oracle():
    """Two first-order ScatterNets of another library, one on the other, in float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return nn.Sequential(*(ScatLayer(biort="near_sym_a", mode="symmetric", magbias=1e-2) for _ in range(2)))
    finally:
        torch.set_default_dtype(before)


def test_fixed_front_end_is_the_second_order_scatternet():
    x = photographs()
    network = network_of("A")
    torch.testing.assert_close(nn.Sequential(network.scat1, network.scat2)(x), oracle()(x), rtol=0, atol=1e-10)


def test_invariant_layers_with_the_identity_are_the_second_order_scatternet():
    """3(1 + 6 + 6 + 36) = 147 channels at 1/16 of the pixels, as in section 1.5.3."""
    x = photographs()
    network = network_of("B").double()
    layers = nn.Sequential(network.inv1, network.inv2)
    with torch.no_grad():
        for layer in (network.inv1, network.inv2):
            # C_{l+1} = 7 C_l for the identity of section 1.3.1.1: inv1 has 21 outputs and inv2 147.
            layer.kernel.A.copy_(torch.eye(*layer.kernel.A.shape))
        z = layers(x)
    assert z.shape[1:] == (147, 8, 8)
    torch.testing.assert_close(z, oracle()(x), rtol=0, atol=1e-10)


def test_the_channels_are_those_of_the_librarys_second_order_layer():
    """ScatLayerj2 takes other (q-shift) filters at its second scale, so its numbers differ and its paths do not."""
    theirs = ScatLayerj2(biort="near_sym_a", mode="symmetric", magbias=1e-2)(torch.zeros(1, 3, 32, 32))
    assert theirs.shape[1:] == shapes("scatnetA", 32)["scat2"] == (147, 8, 8)
