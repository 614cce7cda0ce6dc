from typing import Any

import numpy as np
import pytest
import scipy.fft
import torch
from pytorch_wavelets import ScatLayer
from torch.func import functional_call, stack_module_state, vmap

from models.invariant import InvariantLayer
from models.kernels import KERNELS
from spaces.common.errors import UserError


def layer(in_channels, out_channels, mixing="1x1", seed=0, **options) -> Any:
    generator = torch.Generator().manual_seed(seed)
    made: Any = InvariantLayer(in_channels, out_channels, mixing=mixing, gain=1.0, generator=generator, **options)
    torch.nn.init.uniform_(made.bias, generator=generator)
    return made


def images(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def alphas(kernel, mixing):
    """Pairs of learned weights (F, Q) and alpha (F, Q, 3, 3) whose products sum to g."""
    weights = kernel.A.detach().numpy()
    if mixing == "1x1":
        centre = np.zeros((3, 3))
        centre[1, 1] = 1
        return [(weights, np.broadcast_to(centre, (*weights.shape, 3, 3)))]
    if mixing == "learned":
        return [(np.ones(weights.shape[:2]), weights)]
    if mixing == "dct":
        units = np.eye(9).reshape(9, 3, 3)[[0, 1, 3]]
        basis = np.asarray(scipy.fft.idctn(units, norm="ortho", axes=(1, 2))) / 9
        return [(w, np.broadcast_to(image, (*w.shape, 3, 3))) for w, image in zip(weights, basis, strict=True)]
    return [(weights, kernel.alpha.numpy())]


@pytest.mark.parametrize("mixing", KERNELS)
def test_y_is_equation_1_5_2_term_by_term(mixing):
    n, c, f, height, width = 2, 2, 3, 5, 8
    made = layer(c, f, mixing)
    x = images(n, c, height, width)
    z = ScatLayer(biort="near_sym_a", mode="symmetric", magbias=1e-2)(x).numpy()
    h, w = z.shape[2:]
    expected = np.zeros((n, f, h, w)) + made.bias.detach().numpy()[:, None, None]
    for weights, alpha in alphas(made.kernel, mixing):
        for i, j, row, column in np.ndindex(h, w, 3, 3):
            source = (i + row - 1, j + column - 1)
            if 0 <= source[0] < h and 0 <= source[1] < w:
                for out, q in np.ndindex(f, 7 * c):
                    expected[:, out, i, j] += z[:, q, *source] * weights[out, q] * alpha[out, q, row, column]
    y = made(x)
    assert y.shape == (n, f, (height + 1) // 2, (width + 1) // 2)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=0, atol=2e-5)


def test_identity_mixing_gives_the_scatternet():
    """1.3.1.1: with A = I one layer is a first-order ScatterNet and two are a second-order one."""
    first, second = layer(1, 7), layer(7, 49)
    with torch.no_grad():
        for made in (first, second):
            made.bias.zero_()
            made.kernel.A.copy_(torch.eye(*made.kernel.A.shape))
    x = images(2, 1, 12, 9)
    scatlayer = ScatLayer(biort="near_sym_a", mode="symmetric", magbias=1e-2)
    torch.testing.assert_close(first(x), scatlayer(x), rtol=0, atol=1e-5)
    coefficients = second(first(x))
    assert coefficients.shape == (2, 49, 3, 3)
    torch.testing.assert_close(coefficients, scatlayer(scatlayer(x)), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("channels", "outputs"), [(1, 7), (7, 49), (3, 5)])
def test_parameters_are_those_of_equation_1_4_2(channels, outputs):
    assert layer(channels, outputs).kernel.A.numel() == 7 * channels * outputs


def test_bias_starts_at_zero():
    made: Any = InvariantLayer(1, 7, gain=2.0, generator=torch.Generator())
    assert torch.equal(made.bias, torch.zeros(7))


def test_no_nonlinearity_inside():
    assert layer(1, 7)(images(4, 1, 8, 8)).min() < 0


@pytest.mark.parametrize("mixing", KERNELS)
def test_layers_stacked_under_vmap_are_the_layers_one_by_one(mixing):
    layers = [layer(2, 3, mixing, seed=seed) for seed in range(3)]
    parameters, buffers = stack_module_state(layers)  # pyright: ignore[reportArgumentType]
    x = images(2, 2, 6, 7)
    together = vmap(lambda p, b: functional_call(layers[0], (p, b), (x,)))(parameters, buffers)
    torch.testing.assert_close(together, torch.stack([made(x) for made in layers]), rtol=1e-4, atol=1e-5)


def test_unknown_mixing_is_a_user_error():
    with pytest.raises(UserError, match="did you mean learned"):
        layer(1, 7, "learnt")


def test_wrong_channels_are_a_user_error():
    with pytest.raises(UserError, match="the input has 2 channels"):
        layer(3, 7)(images(1, 2, 8, 8))


def test_dct_scale():
    x = images(2, 1, 8, 8)
    plain, scaled = layer(1, 3, "dct"), layer(1, 3, "dct", dct_scale=1.0)
    bias = plain.bias.detach()[:, None, None]
    torch.testing.assert_close(scaled(x) - bias, 9 * (plain(x) - bias), rtol=1e-4, atol=1e-5)
