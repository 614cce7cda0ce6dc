from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from models.deep_layers import AveragePool, BareConv, BareInvariant, BatchNorm, Dropout, Linear, Upsample
from models.description import assemble
from models.kernels import KERNELS
from spaces.common.errors import UserError

SHAPE = (3, 12, 8)
LAYERS = [
    BareConv(5),
    BareConv(5, kernel=1),
    *(BareInvariant(5, mixing) for mixing in KERNELS),
    BatchNorm(),
    Upsample(),
    Dropout(0.5),
    AveragePool(4),
    AveragePool(3),
]


def built(layer, shape=SHAPE, gain=1.0, seed=0) -> Any:
    return layer.build(shape, gain, torch.Generator().manual_seed(seed))


def images(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_shape_is_foretold(layer):
    assert built(layer)(images(2, *SHAPE)).shape[1:] == layer.shape_after(SHAPE)


@pytest.mark.parametrize("layer", [BareConv(5), *(BareInvariant(5, mixing) for mixing in KERNELS)], ids=str)
def test_bare_layers_map_nothing_to_nothing(layer):
    """A zero image has a zero z, and there is no bias to add."""
    module = built(layer)
    assert not any(key.endswith("bias") for key in module.state_dict())
    assert (module(torch.zeros(1, *SHAPE)) == 0).all()


@pytest.mark.parametrize("mixing", KERNELS)
def test_a_bare_invariant_layer_is_linear_in_its_weights(mixing):
    """Twice the gain, twice the output: so nothing but the mixing is added."""
    x = images(2, *SHAPE)
    torch.testing.assert_close(built(BareInvariant(5, mixing), gain=2.0)(x), 2 * built(BareInvariant(5, mixing))(x))


def test_batch_norm_starts_as_normalisation_alone():
    x = 3 + 2 * images(16, *SHAPE)
    y = built(BatchNorm())(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.var((0, 2, 3), unbiased=False), torch.ones(3), rtol=0, atol=1e-4)


def test_dropout_drops_its_share_and_scales_up_the_rest_in_training_only():
    module = built(Dropout(0.3))
    x = torch.ones(200, 500)
    torch.manual_seed(0)
    y = module(x)
    assert set(y.unique().tolist()) == {0.0, torch.tensor(1 / 0.7).item()}
    assert (y == 0).double().mean().item() == pytest.approx(0.3, abs=4 * (0.21 / x.numel()) ** 0.5)
    assert torch.equal(module.eval()(x), x)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(UserError, match=r"dropout: .* is not allowed; give a share in \[0, 1\)"):
        Dropout(share)


def test_average_pool_is_the_mean_of_each_window():
    x = images(2, *SHAPE)
    expected = x.numpy().reshape(2, 3, 3, 4, 2, 4).mean((3, 5))
    np.testing.assert_allclose(built(AveragePool(4))(x).numpy(), expected, atol=1e-6)


def test_average_pool_of_too_small_images_is_refused():
    with pytest.raises(UserError, match=r"average pool: .* has no 16 x 16 pixels"):
        built(AveragePool(16))


def test_linear_is_glorot_uniform_whatever_the_gain():
    first, other = (built(Linear(100), (300,), gain) for gain in (1.0, 2.0))
    assert torch.equal(first.weight, other.weight)
    assert (first.bias == 0).all()
    bound = (6 / 400) ** 0.5
    assert 0.99 * bound < first.weight.abs().max() <= bound


def test_layers_of_images_refuse_flat_activations():
    for layer in (BatchNorm(), AveragePool(2)):
        with pytest.raises(UserError, match=r"not \(C, H, W\); put it before Unravel"):
            built(layer, (12,))
    with pytest.raises(UserError, match="put Unravel before it"):
        built(Linear(3))


def test_a_description_of_them_is_assembled():
    network = assemble({"conv": BareConv(4), "bn": BatchNorm()}, SHAPE, 1.0, torch.Generator().manual_seed(0))
    assert [type(module) for module in network] == [nn.Conv2d, nn.BatchNorm2d]
