import math

import numpy as np
import pytest
import scipy.fft
import torch

from models.kernels import KERNELS, Dct, FixedAlpha, Random, ShiftedGaussian, ShiftedImpulse

OUTPUTS, SUBBANDS = 5, 14


def make(kind, gain=1.0, seed=0, **options):
    return kind(OUTPUTS, SUBBANDS, gain, torch.Generator().manual_seed(seed), **options)


def test_names_are_those_of_the_mixings():
    assert list(KERNELS) == ["1x1", "shifted-impulse", "shifted-gaussian", "random", "learned", "dct"]


@pytest.mark.parametrize(
    ("name", "size", "weights"),
    [
        ("1x1", 1, 1),
        ("shifted-impulse", 3, 1),
        ("shifted-gaussian", 3, 1),
        ("random", 3, 1),
        ("learned", 3, 9),
        ("dct", 3, 3),
    ],
)
def test_size_and_learned_weights(name, size, weights):
    kernel = make(KERNELS[name])
    assert kernel().shape == (OUTPUTS, SUBBANDS, size, size)
    assert [parameter.numel() for parameter in kernel.parameters()] == [weights * OUTPUTS * SUBBANDS]


@pytest.mark.parametrize("name", KERNELS)
def test_taps_are_the_nonzero_entries(name):
    kernel = make(KERNELS[name])
    assert ((kernel() != 0).sum(dim=(2, 3)) == kernel.taps).all()


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("gain", [0.5, 1.5])
def test_gain_scales_the_learned_weights_only(name, gain):
    plain, scaled = make(KERNELS[name]), make(KERNELS[name], gain)
    assert torch.equal(scaled.A, gain * plain.A)
    for before, after in zip(plain.buffers(), scaled.buffers(), strict=True):
        assert torch.equal(before, after)


@pytest.mark.parametrize("kind", [ShiftedImpulse, ShiftedGaussian, Random])
def test_fixed_alpha_is_in_the_checkpoint_and_belongs_to_the_seed(kind):
    first, again, other = make(kind), make(kind), make(kind, seed=1)
    assert "alpha" in first.state_dict()
    assert not any(parameter is first.alpha for parameter in first.parameters())
    assert torch.equal(first.alpha, again.alpha)
    assert not torch.equal(first.alpha, other.alpha)


@pytest.mark.parametrize("kind", [kind for kind in KERNELS.values() if issubclass(kind, FixedAlpha)])
def test_g_is_a_times_alpha(kind):
    kernel = make(kind)
    weights, alpha = kernel.A.detach().numpy(), kernel.alpha.numpy()
    for f in range(OUTPUTS):
        for q in range(SUBBANDS):
            np.testing.assert_allclose(kernel()[f, q].detach().numpy(), weights[f, q] * alpha[f, q], rtol=1e-6)


def test_impulse_is_one_1_at_offsets_that_all_occur():
    alpha = ShiftedImpulse.draw(40, 50, torch.Generator().manual_seed(0))
    assert sorted(alpha.unique().tolist()) == [0.0, 1.0]
    assert (alpha.sum(dim=(2, 3)) == 1).all()
    # 2,000 draws from 9 places: each about 222 times, standard deviation 14.
    assert ((alpha.sum(dim=(0, 1)) - 2000 / 9).abs() < 60).all()
    assert alpha[0].ne(alpha[1]).any(), "an offset is drawn for each (f, q), not for each q"


def test_gaussian_is_exp_of_minus_squared_distance_with_unit_norm_for_each_f():
    alpha = ShiftedGaussian.draw(4, 21, torch.Generator().manual_seed(0)).double().numpy()
    np.testing.assert_allclose((alpha**2).sum(axis=(1, 2, 3)), 1, rtol=1e-6)
    seen = set()
    for f in range(4):
        scale = alpha[f].max()
        for q in range(21):
            row, column = np.unravel_index(alpha[f, q].argmax(), (3, 3))
            seen.add((row, column))
            for i in range(3):
                for j in range(3):
                    expected = scale * math.exp(-((i - row) ** 2 + (j - column) ** 2))
                    assert alpha[f, q, i, j] == pytest.approx(expected, rel=1e-5)
    assert len(seen) == 9


def test_random_alpha_is_glorot_uniform_at_gain_1():
    alpha = Random.draw(49, 49, torch.Generator().manual_seed(0))
    bound = math.sqrt(6 / (98 * 9))
    assert 0.99 * bound < alpha.abs().max() <= bound


def dct_images():
    """The constant, the horizontal and the vertical orthonormal 3x3 DCT-II image, by scipy."""
    units = np.zeros((3, 3, 3))
    for image, place in enumerate([(0, 0), (0, 1), (1, 0)]):
        units[(image, *place)] = 1
    return np.asarray(scipy.fft.idctn(units, type=2, norm="ortho", axes=(1, 2)))


def test_dct_basis_is_scipys_times_a_ninth():
    np.testing.assert_allclose(make(Dct).basis.numpy(), dct_images() / 9, atol=1e-7)
    np.testing.assert_allclose(make(Dct, scale=1.0).basis.numpy(), dct_images(), atol=1e-6)


def test_dct_g_is_the_weighted_sum_of_its_images():
    kernel = make(Dct)
    expected = np.tensordot(kernel.A.detach().numpy(), dct_images() / 9, axes=(0, 0))
    np.testing.assert_allclose(kernel().detach().numpy(), expected, atol=1e-6)
