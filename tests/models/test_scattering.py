import gzip
import io
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_wavelets import ScatLayer
from sklearn.datasets import load_digits
from torch.autograd.functional import jacobian
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

from models import filters
from models.scattering import TILE, Scattering, scatter
from spaces.common.errors import UserError

MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist" / "t10k-images-idx3-ubyte.gz"
COMPILES = pytest.mark.filterwarnings(
    # torch's own tracer makes an instance of every autograd.Function.
    "ignore:.*Function'> should not be instantiated:DeprecationWarning"
)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def oracle(dtype):
    """ScatLayer with taps in the full precision of ``dtype``."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return ScatLayer(biort="near_sym_a", mode="symmetric", magbias=1e-2)
    finally:
        torch.set_default_dtype(before)


ORACLES = {dtype: oracle(dtype) for dtype in TOLERANCE}


def images(*shape, dtype=torch.float32, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def value_and_gradient(function, x, seed=1):
    x = x.detach().clone().requires_grad_()
    z = function(x)
    (slope,) = torch.autograd.grad(z, x, images(*z.shape, dtype=z.dtype, seed=seed))
    return z.detach(), slope


def assert_same(first, second, tolerance):
    for ours, theirs in zip(first, second, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 3),
    c=st.integers(1, 4),
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    dtype=st.sampled_from(sorted(TOLERANCE, key=str)),
    seed=st.integers(0, 2**32),
)
def test_value_and_gradient_are_those_of_scatlayer(n, c, height, width, dtype, seed):
    x = images(n, c, height, width, dtype=dtype, seed=seed)
    z, slope = value_and_gradient(scatter, x)
    assert z.shape == (n, 7 * c, -(-height // 2), -(-width // 2))
    assert z.dtype == dtype
    assert_same((z, slope), value_and_gradient(ORACLES[dtype], x), TOLERANCE[dtype])


@pytest.mark.parametrize("shape", [(64, 1, 28, 28), (16, 7, 14, 14), (4, 16, 32, 32)])
def test_agrees_with_scatlayer_on_the_networks_sizes(shape):
    x = images(*shape)
    assert_same(value_and_gradient(scatter, x), value_and_gradient(ORACLES[torch.float32], x), 1e-5)


# One tile more, an odd side, a side shorter than a tile's halo, and both axes in tiles that fill no whole number.
@pytest.mark.parametrize("shape", [(2, 2, TILE, TILE), (2, 2, TILE + 1, 3), (1, 1, 1, 2 * TILE), (1, 3, 257, 131)])
def test_large_images_are_those_of_scatlayer(shape):
    x = images(*shape)
    assert_same(value_and_gradient(scatter, x), value_and_gradient(ORACLES[torch.float32], x), 1e-5)


def test_the_cache_of_matrices_is_bounded(monkeypatch):
    monkeypatch.setattr(filters, "_CACHE", {})
    scatter(torch.zeros(1, 1, 2048, 2048))
    sizes = [matrix.nbytes for matrices in filters._CACHE.values() for matrix in matrices]
    assert sum(sizes) <= 2**20
    for side in range(1, filters.KEPT + 9):
        scatter(torch.zeros(1, 1, side, 1))
    assert len(filters._CACHE) == filters.KEPT


def test_any_memory_layout_gives_the_same():
    x = images(3, 4, 8, 6)
    for order, back in (((1, 2, 3, 0), (3, 0, 1, 2)), ((0, 2, 3, 1), (0, 3, 1, 2))):
        other = x.permute(order).contiguous().permute(back)
        assert_same(value_and_gradient(scatter, other), value_and_gradient(scatter, x), 1e-6)


def test_no_images_give_no_coefficients():
    assert scatter(torch.zeros(0, 2, 6, 5)).shape == (0, 14, 3, 3)


def test_first_and_second_derivatives():
    x = images(1, 2, 3, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(scatter, x)
    assert torch.autograd.gradgradcheck(scatter, x)


def test_gradient_is_finite_where_the_magnitude_is_zero():
    z, slope = value_and_gradient(scatter, torch.zeros(1, 1, 4, 4))
    assert z.abs().max() < 1e-9
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize("dim", [0, 1, 4])
def test_vmap(dim):
    x = images(3, 2, 2, 7, 6)
    expected = torch.stack([scatter(part) for part in x])
    torch.testing.assert_close(vmap(scatter, in_dims=dim)(x.movedim(0, dim)), expected)


def test_vmap_of_grad():
    def energy(x):
        return scatter(x).pow(2).sum()

    x = images(3, 2, 1, 5, 6, dtype=torch.float64)
    variable = x.clone().requires_grad_()
    ORACLES[torch.float64](variable.flatten(0, 1)).pow(2).sum().backward()
    torch.testing.assert_close(vmap(grad(energy))(x), variable.grad)


def test_jacobian():
    x = images(1, 1, 3, 4, dtype=torch.float64)
    expected = jacobian(ORACLES[torch.float64], x)
    torch.testing.assert_close(jacrev(scatter)(x), expected)


def energy(function):
    return lambda x: function(x).pow(2).sum()


def test_forward_mode():
    x = images(1, 1, 3, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(scatter, x, check_forward_ad=True, check_batched_forward_grad=True)
    assert torch.autograd.gradgradcheck(scatter, x, check_fwd_over_rev=True)
    torch.testing.assert_close(jacfwd(scatter)(x), jacobian(ORACLES[torch.float64], x))


@pytest.mark.parametrize(
    "first", [jacfwd, jacrev, hessian, lambda function: vmap(grad(lambda x: function(x[None]).sum()))]
)
def test_a_transform_that_is_the_first_to_see_an_image_size_leaves_nothing_behind(first, monkeypatch):
    monkeypatch.setattr(filters, "_CACHE", {})
    x = images(1, 1, 3, 4, dtype=torch.float64)
    first(scatter)(x)
    torch.testing.assert_close(scatter(x), ORACLES[torch.float64](x))
    torch.testing.assert_close(jacfwd(jacfwd(scatter))(x), hessian(scatter)(x))


@pytest.mark.parametrize(
    "twice",
    [
        hessian,
        lambda function: jacrev(jacfwd(function)),
        # A rule of an autograd.Function for forward mode is silently wrong here.
        lambda function: jacfwd(jacfwd(function)),
    ],
)
def test_second_derivatives_in_every_mode(twice):
    x = images(1, 1, 3, 4, dtype=torch.float64)
    step = 1e-5 * torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)
    slopes = [[jacobian(energy(ORACLES[x.dtype]), x + sign * part) for part in step] for sign in (1, -1)]
    expected = (torch.stack(slopes[0]) - torch.stack(slopes[1])).reshape(*x.shape, *x.shape) / 2e-5
    torch.testing.assert_close(twice(energy(scatter))(x), expected, rtol=0, atol=1e-4)


def test_forward_mode_in_tiles():
    x, change = images(1, 1, TILE + 3, 4, dtype=torch.float64), images(1, 1, TILE + 3, 4, dtype=torch.float64, seed=1)
    weights = images(*scatter(x).shape, dtype=x.dtype, seed=1)
    _, slope = value_and_gradient(ORACLES[x.dtype], x)  # Of the sum with those weights.
    torch.testing.assert_close((jvp(scatter, (x,), (change,))[1] * weights).sum(), (slope * change).sum())


# torch warns that a trace holds for images of this size only.
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("size", [(8, 7), (TILE + 3, 6)])
def test_torchscript_traces_and_loads_it_for_any_number_of_images(monkeypatch, size):
    monkeypatch.setattr(filters, "_CACHE", {})  # The first trace must be that of a later one, from the cache.
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(Scattering(), images(2, 1, *size)), file)
    file.seek(0)
    x = images(5, 1, *size, seed=1)
    torch.testing.assert_close(torch.jit.load(file)(x), ORACLES[torch.float32](x), rtol=0, atol=1e-5)


@COMPILES
def test_torch_compile_traces_it_whole_at_every_size():
    torch.compiler.reset()
    compiled = torch.compile(scatter, fullgraph=True, backend="aot_eager")
    for size in ((8, 8), (9, 8), (6, 11)):
        x = images(2, 3, *size)
        assert_same(value_and_gradient(compiled, x), value_and_gradient(scatter, x), 1e-6)


@pytest.mark.slow
@COMPILES
def test_torch_compile_with_inductor():
    torch.compiler.reset()
    x = images(4, 2, 8, 7)
    compiled = torch.compile(scatter, fullgraph=True)
    assert_same(value_and_gradient(compiled, x), value_and_gradient(scatter, x), 1e-5)


def test_cache_made_in_inference_mode_serves_training(monkeypatch):
    monkeypatch.setattr(filters, "_CACHE", {})
    x = images(1, 1, 6, 6)
    with torch.inference_mode():
        assert scatter(x).is_inference()
    assert_same(value_and_gradient(scatter, x), value_and_gradient(ORACLES[torch.float32], x), 1e-5)


def test_cache_never_keeps_a_tracers_fake_tensor(monkeypatch):
    from torch._subclasses.fake_tensor import FakeTensorMode

    monkeypatch.setattr(filters, "_CACHE", {})
    with FakeTensorMode():
        assert scatter(torch.zeros(1, 1, 6, 6)).shape == (1, 7, 3, 3)
    x = images(1, 1, 6, 6)
    torch.testing.assert_close(scatter(x), ORACLES[torch.float32](x), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "x",
    [torch.zeros(28, 28), torch.zeros(1, 1, 4, 4, dtype=torch.uint8), torch.zeros(1, 1, 0, 4), torch.zeros(2, 3, 4)],
)
def test_wrong_input_is_a_user_error(x):
    with pytest.raises(UserError, match=r"must be \(N, C, H, W\)"):
        scatter(x)


def moved(function, x, shift):
    """How far ``function`` moves, relative to its norm, when each image is shifted; the mean over images."""
    before, after = (function(version).flatten(1) for version in (x, torch.roll(x, shift, dims=(2, 3))))
    return ((after - before).norm(dim=1) / before.norm(dim=1)).mean()


@pytest.fixture(scope="module")
def digits():
    return torch.tensor(load_digits(return_X_y=True)[0][:200] / 16).reshape(-1, 1, 8, 8)


def framed(x):
    return F.pad(x, (2, 2, 2, 2))  # So that the roll brings nothing back in.


def pooled(x):
    return F.avg_pool2d(x, 2)


def detail(x):
    """What 2x2 average pooling throws away."""
    return x - F.interpolate(pooled(x), scale_factor=2)


if MNIST.exists():

    @pytest.mark.parametrize("shift", [(0, 1), (1, 0), (1, 1)])
    def test_a_one_pixel_shift_moves_mnist_less_in_z_than_in_x_and_in_pooled_x(shift):
        with gzip.open(MNIST) as stream:
            x = torch.frombuffer(bytearray(stream.read(16 + 500 * 784)[16:]), dtype=torch.uint8)
        x = x.reshape(-1, 1, 28, 28) / 255
        assert moved(scatter, x, shift) < 0.95 * moved(pooled, x, shift)
        assert moved(scatter, x, shift) < 0.8 * moved(lambda x: x, x, shift)


# Digits enlarged to 28x28 are so smooth that the wavelets' band is nearly empty: there z still moves less than x,
# but a little more than 2x2 average pooling of x does. The claim about pooling is about sharp images.
@pytest.mark.parametrize("shift", [(0, 1), (1, 0), (1, 1)])
def test_a_one_pixel_shift_moves_enlarged_digits_less_in_z_than_in_x(digits, shift):
    x = framed(F.interpolate(digits, size=(28, 28), mode="bilinear", align_corners=False))
    assert moved(scatter, x, shift) < moved(lambda x: x, x, shift)
    assert moved(lambda x: scatter(x)[:, 1:], x, shift) < 0.7 * moved(detail, x, shift)


@pytest.mark.parametrize("shift", [(0, 1), (1, 0), (1, 1)])
def test_a_one_pixel_shift_moves_sharp_digits_less_in_z_than_in_pooled_x(digits, shift):
    # At their own 8x8 the digits have energy in all of the wavelets' band; enlarged they hardly have.
    x = framed(digits)
    assert moved(scatter, x, shift) < 0.97 * moved(pooled, x, shift)
    assert moved(scatter, x, shift) < 0.7 * moved(lambda x: x, x, shift)
