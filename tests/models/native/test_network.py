"""Networks of any described layers and sizes, against torch autograd in float64."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from models.description import (
    Conv,
    Description,
    Invariant,
    Layer,
    MaxPool,
    Project,
    Relu,
    Reshuffle,
    Scatter,
    Unravel,
    assemble,
)
from models.kernels import KERNELS
from models.native import BUILDS, NativeNetwork, find_instruction_set
from models.native.library import open_library

pytestmark = pytest.mark.skipif(find_instruction_set() is None, reason="the native engine was not built")
ISAS = [isa for isa in BUILDS if open_library(isa) is not None]
DRAWS = 4

kernels = st.sampled_from([1, 3, 5, 7])
learned = st.one_of(
    st.builds(Conv, st.integers(1, 9), kernels),
    st.builds(Invariant, st.integers(1, 9), st.sampled_from(list(KERNELS))),
)
plain = st.sampled_from([Relu(), MaxPool(), Scatter()])


@st.composite
def descriptions(draw: st.DrawFn) -> tuple[Description, tuple[int, int, int]]:
    """A few layers on images that no layer makes vanish, and their tail."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 13)), draw(st.integers(1, 13)))
    layers: dict[str, Layer] = {}
    current: tuple[int, ...] = shape
    for layer in draw(st.lists(st.one_of(learned, plain), max_size=5)):
        after = layer.shape_after(current)
        if 0 not in after and after[0] <= 60:
            layers[f"layer{len(layers)}"] = layer
            current = after
    return layers | {"unravel": Unravel(), "project": Project(5), "relu": Relu(), "reshuffle": Reshuffle(4)}, shape


def loss_and_gradients(network: torch.nn.Module, x: np.ndarray, y: np.ndarray, dtype: torch.dtype) -> list[Tensor]:
    network = copy.deepcopy(network).to(dtype)
    loss = F.cross_entropy(network(torch.from_numpy(x).to(dtype)), torch.from_numpy(y))
    return [loss.detach(), *torch.autograd.grad(loss, list(network.parameters()))]


def distances(ours: list[Tensor], exact: list[Tensor]) -> list[float]:
    """Relative to each tensor's norm, or where that is nearly 0 (a dead unit, say) to a part of the largest."""
    floor = 1e-3 * max(float(e.norm()) for e in exact)
    return [float((a.double() - e).norm()) / max(float(e.norm()), floor) for a, e in zip(ours, exact, strict=True)]


def excess(description: Description, shape: tuple[int, ...], images: int, seed: int, isa: str) -> float:
    """How far loss and gradients are from float64, in units of what is allowed: 1e-5, or what torch's float32 is."""
    generator = torch.Generator().manual_seed(seed)
    network = assemble(description, shape, 1.0, generator)
    with torch.no_grad():  # Biases of 0 would put dead pixels right on the corner of a ReLU.
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((images, *shape), dtype=np.float32), rng.integers(0, 4, images)
    exact, single = (loss_and_gradients(network, x, y, dtype) for dtype in (torch.float64, torch.float32))
    # The momentum buffers hold the gradients after a first step.
    momenta: dict[Tensor, Tensor] = {p: torch.zeros_like(p) for p in network.parameters()}
    loss = NativeNetwork(description, network, shape, isa=isa).train(
        x, y, np.arange(images), batch_size=images, lr=0.0, momentum=0.9, weight_decay=0.0, momenta=momenta
    )
    ours = [torch.tensor(loss / images), *momenta.values()]
    limits = (max(1e-5, 4 * distance) for distance in distances(single, exact))
    return max(distance / limit for distance, limit in zip(distances(ours, exact), limits, strict=True))


@pytest.mark.parametrize("isa", ISAS)
@settings(max_examples=60)
@given(described=descriptions(), images=st.integers(1, 40))
def test_any_network_any_size(isa: str, described: tuple[Description, tuple[int, int, int]], images: int) -> None:
    # Rounding may flip a ReLU or a maximum, where the gradient jumps: rare, and then another draw agrees.
    assert any(excess(*described, images, seed, isa) < 1 for seed in range(DRAWS))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    "layer", [Scatter(), *(Invariant(5, name) for name in KERNELS), Conv(5), Conv(3, 5), Conv(4, 9)]
)
@pytest.mark.parametrize("shape", [(3, 9, 7), (2, 3, 45)])
def test_one_layer_as_a_function(layer: Layer, shape: tuple[int, int, int], isa: str) -> None:
    """Forward and backward on blocks of images give the output and all gradients, of the input too."""
    blocks = 2
    network = assemble({"layer": layer}, shape, 1.0, torch.Generator().manual_seed(0))
    native = NativeNetwork({"layer": layer}, network, shape, isa=isa, input_gradient=True)
    x = torch.randn(blocks, *shape, native.block, generator=torch.Generator().manual_seed(1))
    out = layer.shape_after(shape)
    y, workspace = torch.empty(blocks, *out, native.block), torch.empty(blocks, native.workspace_floats)
    native.forward(x, y, workspace, keep=True)
    dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(2))
    dx = torch.empty_like(x)
    gradients = native.backward(x, dy.clone(), dx, workspace)

    exact = copy.deepcopy(network).double()
    images = x.movedim(-1, 1).flatten(0, 1).double().requires_grad_()
    expected = exact(images)
    expected.backward(dy.movedim(-1, 1).flatten(0, 1).double())
    torch.testing.assert_close(y.movedim(-1, 1).flatten(0, 1).double(), expected.detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(dx.movedim(-1, 1).flatten(0, 1).double(), images.grad, rtol=1e-4, atol=1e-4)
    for ours, theirs in zip(network.parameters(), exact.parameters(), strict=True):
        assert theirs.grad is not None
        torch.testing.assert_close(torch.from_numpy(gradients[ours]).double(), theirs.grad, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    "layer",
    [
        *(Conv(3), Conv(3, 5), Conv(3, 9), Conv(3, 1), Scatter(), MaxPool()),
        *(Invariant(3, name) for name in KERNELS if name != "shifted-impulse"),
    ],
)
def test_what_is_not_finite_stays_so(layer: Layer, bad: float, isa: str) -> None:
    """An infinity may become a NaN, as differences of it do, but nothing becomes finite that torch leaves infinite."""
    network = assemble({"layer": layer}, (2, 6, 6), 1.0, torch.Generator().manual_seed(0))
    native = NativeNetwork({"layer": layer}, network, (2, 6, 6), isa=isa)
    x = torch.ones(1, 2, 6, 6, native.block)
    x[0, 1, 2, 3, 5] = bad
    y = torch.empty(1, *layer.shape_after((2, 6, 6)), native.block)
    native.forward(x, y, torch.empty(1, native.workspace_floats), keep=False)
    with torch.no_grad():
        expected = network(x.movedim(-1, 1).flatten(0, 1)).isfinite()
    ours = y.movedim(-1, 1).flatten(0, 1).isfinite()
    assert not (ours & ~expected).any()
    others = torch.arange(native.block) != 5  # Images of a block do not touch one another.
    assert ours[others].all()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("shade", [1.0, -0.7, 2.123])
def test_z_of_a_flat_image_is_its_shade_and_zeros(shade: float, isa: str) -> None:
    """Rounding errors of the filters are none of z: a ReLU behind it would take them for edges."""
    native = NativeNetwork({"z": Scatter()}, torch.nn.Sequential(torch.nn.Identity()), (1, 12, 14), isa=isa)
    y = torch.empty(1, 7, 6, 7, native.block)
    native.forward(
        torch.full((1, 1, 12, 14, native.block), shade), y, torch.empty(1, native.workspace_floats), keep=False
    )
    assert torch.allclose(y[:, 0], torch.tensor(shade), rtol=1e-6)
    assert (y[:, 1:] == 0).all()


@pytest.mark.parametrize("isa", ISAS)
def test_the_zeros_of_an_impulse_multiply_nothing(isa: str) -> None:
    """A NaN comes out where a one of alpha meets it; torch lets it through the zeros too."""
    layer = Invariant(3, "shifted-impulse")
    network = assemble({"layer": layer}, (2, 8, 10), 1.0, torch.Generator().manual_seed(0))
    found = []
    for part, channels in ((Scatter(), 14), (layer, 3)):
        native = NativeNetwork({"layer": part}, network, (2, 8, 10), isa=isa)
        x = torch.ones(1, 2, 8, 10, native.block)
        x[0, 1, 7, 9, 5] = np.nan
        found.append(torch.empty(1, channels, 4, 5, native.block))
        native.forward(x, found[-1], torch.empty(1, native.workspace_floats), keep=False)
    z, y = (blocks[0].movedim(-1, 0).isnan() for blocks in found)
    alpha = network.get_submodule("layer").get_submodule("kernel").get_buffer("alpha")
    expected = F.conv2d(z.float(), alpha, padding=1) > 0
    assert 0 < expected.sum() < 3 * 4 * 5
    assert torch.equal(y, expected)


@pytest.mark.parametrize("name", ["shifted-impulse", "shifted-gaussian", "dct"])
def test_a_kernel_of_another_form_is_refused(name: str) -> None:
    """It is computed by its form, so it must have it."""
    description: Description = {"inv": Invariant(3, name), "unravel": Unravel(), "reshuffle": Reshuffle(4)}
    network = assemble(description, (1, 6, 6), 1.0, torch.Generator().manual_seed(0))
    native = NativeNetwork(description, network, (1, 6, 6))
    x, y = np.zeros((1, 1, 6, 6), np.float32), np.zeros(1, np.int64)
    native.judge(x, y)
    for buffer in network[0].buffers():
        buffer[1, 1] += 0.1
    with pytest.raises(RuntimeError, match=r"not the .* should be"):
        native.judge(x, y)


def route_ones(layers: Description, x: Tensor, isa: str) -> tuple[Tensor, Tensor]:
    """The input gradient (N, C, H, W) of the summed outputs: ours, and torch's; a convolution passes its input on."""
    network = assemble(layers, (2, 6, 6), 1.0, torch.Generator().manual_seed(0))
    if isinstance(network[0], torch.nn.Conv2d):
        torch.nn.init.dirac_(network[0].weight)  # pyright: ignore[reportArgumentType]
    native = NativeNetwork(layers, network, (2, 6, 6), isa=isa, input_gradient=True)
    blocks = x.unflatten(0, (-1, native.block)).movedim(1, -1).contiguous()
    y, dx = torch.empty(len(blocks), 2, 3, 3, native.block), torch.empty_like(blocks)
    workspace = torch.empty(len(blocks), native.workspace_floats)
    native.forward(blocks, y, workspace, keep=True)
    native.backward(blocks, torch.ones_like(y), dx, workspace)
    images = x.clone().requires_grad_()
    network(images).sum().backward()
    assert images.grad is not None
    return dx.movedim(-1, 1).flatten(0, 1), images.grad


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("layers", "highest"), [({"pool": MaxPool()}, 2), ({"conv": Conv(2), "pool": MaxPool()}, 1)])
def test_the_first_of_equal_values_gets_the_gradient(layers: Description, highest: int, isa: str) -> None:
    """After a convolution where they are exactly equal: at 0."""
    x = torch.randint(0, highest, (16, 2, 6, 6), generator=torch.Generator().manual_seed(1)).float()
    ours, theirs = route_ones(layers, x, isa)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0 if highest == 2 else 1e-6)


@pytest.mark.parametrize("isa", ISAS)
def test_one_of_nearly_equal_values_gets_the_gradient(isa: str) -> None:
    """A convolution rounds each of its outputs differently."""
    x = torch.randint(0, 2, (16, 2, 6, 6), generator=torch.Generator().manual_seed(1)).float()
    ours, _ = route_ones({"conv": Conv(2), "pool": MaxPool()}, x, isa)
    torch.testing.assert_close(ours, ours.round(), rtol=0, atol=1e-5)
    torch.testing.assert_close(F.avg_pool2d(ours, 2, divisor_override=1), torch.ones(16, 2, 3, 3), rtol=0, atol=1e-5)
    assert (x == F.interpolate(F.max_pool2d(x, 2), scale_factor=2))[ours > 0.5].all()


def small() -> tuple[NativeNetwork, np.ndarray, np.ndarray]:
    description: Description = {"conv": Conv(3), "unravel": Unravel(), "reshuffle": Reshuffle(4)}
    network = assemble(description, (1, 6, 6), 1.0, torch.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 1, 6, 6), dtype=np.float32)
    return NativeNetwork(description, network, (1, 6, 6)), x, rng.integers(0, 4, 9)


def train(native: NativeNetwork, x: np.ndarray, y: np.ndarray, order: list[int]) -> float:
    return native.train(
        x, y, np.array(order, np.int64), batch_size=4, lr=0.1, momentum=0.0, weight_decay=0.0, momenta={}
    )


def test_no_images_no_loss() -> None:
    native, x, y = small()
    assert train(native, x, y, []) == 0


@pytest.mark.parametrize("order", [[9], [-1], [0, 100]])
def test_an_order_outside_the_images_is_refused(order: list[int]) -> None:
    native, x, y = small()
    with pytest.raises(IndexError, match=r"outside 0 \.\. 8"):
        train(native, x, y, order)


def test_arrays_of_another_form_are_refused() -> None:
    native, x, y = small()
    for bad in (x.astype(np.float64), x[:, :, ::2], x.transpose(0, 1, 3, 2)):
        with pytest.raises(ValueError, match="images must be"):
            train(native, bad, y, [0])
    with pytest.raises(ValueError, match="labels must be"):
        train(native, x, y.astype(np.int32), [0])


def test_labels_outside_the_classes_are_refused() -> None:
    native, x, y = small()
    for label in (-1, 4):
        bad = y.copy()
        bad[3] = label
        with pytest.raises(ValueError, match="labels"):
            train(native, x, bad, [3])


def test_a_batch_size_below_one_is_refused() -> None:
    native, x, y = small()
    with pytest.raises(ValueError, match="batch size"):
        native.train(x, y, np.array([0]), batch_size=0, lr=0.1, momentum=0.0, weight_decay=0.0, momenta={})


def test_an_instruction_set_that_is_not_there_is_refused() -> None:
    with pytest.raises(RuntimeError, match="not built for sse9"):
        NativeNetwork({"relu": Relu()}, torch.nn.Sequential(torch.nn.ReLU()), (1, 6, 6), isa="sse9")


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("count", [1, 16, 17, 1030])
def test_predictions_are_what_judging_counts(isa: str, count: int) -> None:
    description: Description = {"conv": Conv(2), "unravel": Unravel(), "reshuffle": Reshuffle(4)}
    network = assemble(description, (1, 6, 6), 1.0, torch.Generator().manual_seed(1))
    native = NativeNetwork(description, network, (1, 6, 6), isa=isa)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((count, 1, 6, 6), np.float32), rng.integers(0, 4, count)
    predicted = native.predict(x)
    assert predicted.tolist() == network(torch.from_numpy(x)).argmax(1).tolist()
    assert (predicted == y).sum() == native.judge(x, y)[1]
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    assert native.predict(x).tolist() == [0] * count  # The first of equal scores.
    assert native.judge(x, y)[1] == (y == 0).sum()


def test_momentum_needs_its_buffers() -> None:
    native, x, y = small()
    with pytest.raises(ValueError, match="needs a buffer"):
        native.train(x, y, np.array([0]), batch_size=4, lr=0.1, momentum=0.9, weight_decay=0.0, momenta={})


def test_any_batch_size_is_a_batch_of_all() -> None:
    native, x, y = small()
    assert native.train(
        x, y, np.arange(9), batch_size=2**64, lr=0.0, momentum=0.0, weight_decay=0.0, momenta={}
    ) == pytest.approx(native.judge(x, y)[0])


def test_arrays_that_do_not_fit_the_program_are_refused() -> None:
    """A torch module of another size would be read and written beyond its end."""
    description: Description = {"unravel": Unravel(), "reshuffle": Reshuffle(4)}
    network = assemble(description, (3, 8, 8), 1.0, torch.Generator())
    network[1] = torch.nn.Linear(3, 4)
    native = NativeNetwork(description, network, (3, 8, 8))
    with pytest.raises(RuntimeError, match="weight has 12 numbers, not 768"):
        native.judge(np.zeros((1, 3, 8, 8), np.float32), np.zeros(1, np.int64))
    network[1] = torch.nn.Linear(192, 4, bias=False)
    with pytest.raises(RuntimeError, match="bias has 0 numbers, not 4"):
        native.judge(np.zeros((1, 3, 8, 8), np.float32), np.zeros(1, np.int64))


def test_an_image_that_vanishes_is_refused() -> None:
    description: Description = {"conv": Conv(3), "pool": MaxPool()}
    network = assemble(description, (1, 1, 8), 1.0, torch.Generator())
    with pytest.raises(RuntimeError, match="leaves nothing of an image"):
        NativeNetwork(description, network, (1, 1, 8))


def test_no_layers_are_refused() -> None:
    with pytest.raises(RuntimeError, match="needs a layer"):
        NativeNetwork({}, torch.nn.Sequential(), (1, 8, 8))


def test_activations_of_another_form_are_refused() -> None:
    native = NativeNetwork({"z": Scatter()}, torch.nn.Sequential(torch.nn.Identity()), (1, 4, 4))
    x, y, space = (torch.zeros(1, *shape, native.block) for shape in ((1, 4, 4), (7, 2, 2), (10**3,)))
    with pytest.raises(ValueError, match="the workspace must be"):
        native.forward(x, y, space, keep=True)
    space = torch.zeros(1, native.workspace_floats)
    with pytest.raises(ValueError, match="the output must be"):
        native.forward(x, y[:, :6].contiguous(), space, keep=True)
    with pytest.raises(ValueError, match="aligned to 64 bytes"):
        native.forward(torch.zeros(x.numel() + 4)[4:].view(x.shape), y, space, keep=True)
