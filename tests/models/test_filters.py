import numpy as np
import pytest
from pytorch_wavelets.dtcwt.coeffs import biort

from models.filters import HIGHPASS, LOWPASS, make_filter_matrix

LOW, _, HIGH, _ = biort("near_sym_a")


@pytest.mark.parametrize(("taps", "published", "length"), [(LOWPASS, LOW, 5), (HIGHPASS, HIGH, 7)])
def test_taps_are_near_sym_a(taps, published, length):
    assert len(taps) == length
    np.testing.assert_allclose(np.array(taps, dtype=float), published.ravel(), rtol=0, atol=1e-16)


def test_lowpass_keeps_a_constant_and_highpass_removes_it():
    assert sum(LOWPASS) == 1
    assert sum(HIGHPASS) == 0


@pytest.mark.parametrize("size", [2, 4, 6, 10])
@pytest.mark.parametrize("taps", [LOWPASS, HIGHPASS])
def test_matrix_is_convolution_with_numpys_symmetric_padding(size, taps):
    signal = np.random.default_rng(size).normal(size=size)
    expected = np.convolve(np.pad(signal, len(taps) // 2, mode="symmetric"), np.array(taps, dtype=float), "valid")
    np.testing.assert_allclose(make_filter_matrix(size, taps) @ signal, expected, atol=1e-14)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_an_odd_size_repeats_its_last_sample(size):
    signal = np.random.default_rng(size).normal(size=size)
    longer = np.append(signal, signal[-1])
    np.testing.assert_allclose(
        make_filter_matrix(size, HIGHPASS) @ signal, make_filter_matrix(size + 1, HIGHPASS) @ longer, atol=1e-14
    )
