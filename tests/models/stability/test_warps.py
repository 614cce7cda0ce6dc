import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.stability.warps import Displacement, Size, compute_spectral, displace, make_grid, shift, smooth


def images(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def field(seed):
    return smooth(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (2, 0), (0, -3), (-4, 4)])
def test_a_shift_by_whole_pixels_moves_them_and_reflects_at_the_border(rows, columns):
    x = images(2, 3, 9, 12)
    tau = shift(math.hypot(rows, columns), math.atan2(rows, columns))
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (4, 4), (4, 4)), mode="symmetric")
    expected = padded[:, :, 4 - rows : 13 - rows, 4 - columns : 16 - columns]
    np.testing.assert_allclose(displace(x, [tau, tau]).numpy(), expected, atol=1e-9)


def test_a_shift_by_part_of_a_pixel_is_that_of_the_waves():
    """Of a slow wave, away from the border: cubic interpolation is then good to two parts in a hundred."""
    place = make_grid(40, 40)
    wave = torch.cos(2 * math.pi / 20 * place[..., 0] + 2 * math.pi / 32 * place[..., 1])
    for distance, angle in ((0.5, 0.3), (1.25, 2.0), (3.75, 4.0)):
        row, column = distance * math.sin(angle), distance * math.cos(angle)
        moved = torch.cos(2 * math.pi / 20 * (place[..., 0] - row) + 2 * math.pi / 32 * (place[..., 1] - column))
        found = displace(wave[None, None], [shift(distance, angle)])[0, 0]
        assert (found - moved)[6:-6, 6:-6].abs().max() < 0.02


def test_each_image_is_moved_by_its_own_displacement():
    x = images(1, 1, 8, 8).expand(2, 1, 8, 8)
    still, moved = displace(x, [shift(0, 0), shift(1, 0)])
    torch.testing.assert_close(still, x[0])
    torch.testing.assert_close(moved[:, :, 1:], x[0, :, :, :-1])


def test_a_warp_takes_the_pixel_at_u_minus_tau():
    """Of an image that is its own row number, away from where the border reflects."""
    tau = field(3).scale(0.5)
    x = make_grid(32, 32)[..., 0][None, None]
    expected = make_grid(32, 32)[..., 0] - tau.compute(make_grid(32, 32))[..., 0]
    torch.testing.assert_close(displace(x, [tau])[0, 0, 6:-6, 6:-6], expected[6:-6, 6:-6], rtol=0, atol=0.15)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_derivatives_are_those_of_finite_differences(seed):
    tau, step = field(seed), 1e-4
    place = make_grid(5, 7)
    for axis, direction in enumerate(step * torch.eye(2, dtype=torch.float64)):
        slope = (tau.compute(place + direction) - tau.compute(place - direction)) / (2 * step)
        torch.testing.assert_close(tau.compute_jacobian(place)[..., axis], slope, rtol=1e-6, atol=1e-7)
        bend = (tau.compute_jacobian(place + direction) - tau.compute_jacobian(place - direction)) / (2 * step)
        torch.testing.assert_close(tau.compute_hessian(place)[..., axis], bend, rtol=1e-6, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 10))
def test_norms_grow_with_the_displacement(seed, factor):
    whole = field(seed).scale(factor).measure_size(12, 10)
    assert whole == pytest.approx(field(seed).measure_size(12, 10).scale(factor), rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_difference_is_that_of_the_farthest_pair(seed):
    tau = field(seed)
    values = tau.compute(make_grid(8, 8, 4)).reshape(-1, 2)
    assert tau.measure_size(8, 8).difference == pytest.approx(torch.cdist(values, values).max().item(), rel=1e-3)


def test_norms_of_one_wave_by_hand():
    """Tau = (a cos(w row), 0): |tau| <= a, |tau'| <= a w, |tau''| <= a w^2, all reached."""
    a, w = 3.0, 2 * math.pi / 32
    wave = Displacement(*(torch.tensor(each, dtype=torch.float64) for each in ([0, 0], [[a, 0]], [[w, 0]], [0.3])))
    assert wave.measure_size(64, 64) == pytest.approx(Size(a, a * w, 2 * a, a * w**2), rel=1e-3)


def test_spectral_norm_is_numpys():
    matrices = images(50, 2, 2)
    np.testing.assert_allclose(compute_spectral(matrices).numpy(), np.linalg.norm(matrices.numpy(), 2, axis=(1, 2)))


@pytest.mark.parametrize(
    ("size", "scale", "bound"),
    [
        (Size(4.0, 0.0, 0.0, 0.0), 1, 2.0),
        (Size(4.0, 0.0, 0.0, 0.0), 2, 1.0),
        (Size(1.0, 0.5, 1.0, 0.1), 1, 0.5 + 0.5 * 1 + 0.1),  # log 2 < 1.
        (Size(4.0, 0.5, 8.0, 0.1), 2, 1.0 + 0.5 * math.log(16) + 0.1),
    ],
)
def test_bound_is_equation_1_2_11(size, scale, bound):
    assert size.compute_bound(scale) == pytest.approx(bound)


def test_fields_are_smooth():
    """No wave is shorter than 16 pixels, so |tau''| <= (2 pi / 16)^2 times the sum of the amplitudes."""
    for seed in range(20):
        tau = field(seed)
        assert (torch.linalg.vector_norm(tau.waves, dim=1) <= 2 * math.pi / 16 + 1e-12).all()
        assert (torch.linalg.vector_norm(tau.waves, dim=1) >= 2 * math.pi / 64 - 1e-12).all()
