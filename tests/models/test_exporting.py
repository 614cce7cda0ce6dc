"""Networks that leave for other programs: PyTorch's own export, traces, ONNX. ``torch.jit.script`` reads hardly any."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import torch

import models

NETWORKS = {"invariant": (1, 28, 28), "learned": (1, 28, 28), "invC-w4": (3, 32, 32), "invG-w4": (3, 64, 64)}
Ready = tuple[torch.nn.Module, torch.Tensor]


@pytest.fixture(params=NETWORKS)
def ready(request: pytest.FixtureRequest) -> Ready:
    """A network in evaluation, and images for it."""
    shape = NETWORKS[request.param]
    network = models.build(request.param, gain=1.0, seed=0, input_shape=shape, classes=10).eval()
    return network, torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))


def exported(network: torch.nn.Module, images: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return torch.export.export(network, (images,)).module()


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of what is deprecated.
@pytest.mark.parametrize("leave", [exported, torch.jit.trace])
def test_it_says_the_same_there(ready: Ready, leave: Callable[..., Callable[[torch.Tensor], torch.Tensor]]) -> None:
    network, images = ready
    with torch.no_grad():
        there = leave(network, images)
        torch.testing.assert_close(there(images.flip(0)), network(images.flip(0)), rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_onnx(ready: Ready) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    network, images = ready
    file = io.BytesIO()
    torch.onnx.export(network, (images,), file, dynamo=False)  # pyright: ignore[reportArgumentType]
    there = runtime.InferenceSession(file.getvalue())
    (scores,) = there.run(None, {there.get_inputs()[0].name: images.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(scores), network(images), rtol=0, atol=1e-4)
