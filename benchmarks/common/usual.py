"""The usual way to train these networks, which the engines are measured against.

Images go one by one through PIL and the transforms of torchvision into a DataLoader; the invariant layers are
pytorch_wavelets' ScatLayer and an ordinary convolution; autograd, ``torch.optim.SGD``, ``loss.item()`` in each step.
The transforms follow torchvision's source step by step (``transforms.functional.to_tensor``,
``transforms._functional_tensor.normalize``, ``datasets.MNIST.__getitem__``); torchvision itself is not imported: its
compiled operators must match the build of torch exactly, and for the CPU builds here they do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from pytorch_wavelets import ScatLayer
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import models
from models.invariant import InvariantLayer
from spaces import Hyperparameters

EVALUATION_BATCH = 1000


def make_tensor(picture: Image.Image) -> Tensor:
    """As torchvision's ``to_tensor`` makes it of a grey image: (1, H, W), 0 to 1."""
    image = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    image = image.view(picture.size[1], picture.size[0], len(picture.getbands()))
    return image.permute((2, 0, 1)).contiguous().to(dtype=torch.get_default_dtype()).div(255)


def normalize(tensor: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """As torchvision's ``normalize`` does it, checks included."""
    tensor = tensor.clone()
    means = torch.as_tensor(mean, dtype=tensor.dtype, device=tensor.device)
    stds = torch.as_tensor(std, dtype=tensor.dtype, device=tensor.device)
    if (stds == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    return tensor.sub_(means.view(-1, 1, 1)).div_(stds.view(-1, 1, 1))


Scaling = float | tuple[float, ...]  # Of one channel, or of each.


class Pictures(Dataset[tuple[Tensor, int]]):
    """Grey images as torchvision's data sets give them.

    Args:
        images: uint8 (N, 1, H, W).
        labels: int64 (N,).
        mean: subtracted from grey levels scaled to 0..1.
        std: divides what is left.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, mean: float | tuple[float, ...], std: float | tuple[float, ...]
    ):
        self._images, self._labels = torch.from_numpy(images[:, 0]), torch.from_numpy(labels)
        self._mean, self._std = tuple(np.atleast_1d(mean)), tuple(np.atleast_1d(std))

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self._images[index].numpy(), mode="L")
        return normalize(make_tensor(picture), self._mean, self._std), int(self._labels[index])

    def __len__(self) -> int:
        return len(self._labels)


def make_scat_layer() -> ScatLayer:
    """pytorch_wavelets' scattering with the filters and smoothing of ours."""
    return ScatLayer(biort="near_sym_a", mode="symmetric", magbias=1e-2)


class UsualInvariant(nn.Module):
    """ScatLayer and an ordinary convolution, with the weights of an invariant layer."""

    def __init__(self, layer: InvariantLayer):
        super().__init__()
        self.kernel, self.bias = layer.kernel, layer.bias
        self.scatter = make_scat_layer()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, F, ceil(H/2), ceil(W/2))."""
        kernel = self.kernel()
        return F.conv2d(self.scatter(x), kernel, self.bias, padding=kernel.shape[-1] // 2)


def make_usual_network(architecture: str, gain: float, seed: int) -> nn.Sequential:
    """The network of ``models.build``, its initial weights too, of ordinary torch modules."""
    network = models.build(architecture, gain=gain, seed=seed)
    for name, child in network.named_children():
        if isinstance(child, InvariantLayer):
            network.set_submodule(name, UsualInvariant(child))
    return network


class UsualTraining:
    """A network, its data and its optimiser.

    Args:
        architecture: a name in ``models.ARCHITECTURES``.
        theta: the hyperparameters.
        pictures: what to train on.
        batch_size: images of a step.
        seed: decides the initial weights.
    """

    def __init__(self, architecture: str, theta: Hyperparameters, pictures: Pictures, batch_size: int, seed: int = 0):
        self.network = make_usual_network(architecture, theta.gain, seed)
        self._loader = DataLoader(pictures, batch_size=batch_size, shuffle=True, num_workers=0)
        learned = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.SGD(
            learned, lr=theta.lr, momentum=theta.momentum, weight_decay=theta.weight_decay
        )

    def train(self) -> float:
        """One epoch; returns the last loss, and ends with the first that is not finite, as the engines do."""
        self.network.train()
        value = math.nan
        for images, labels in self._loader:
            self._optimiser.zero_grad()
            loss = F.cross_entropy(self.network(images), labels)
            loss.backward()
            self._optimiser.step()
            value = loss.item()
            if not math.isfinite(value):
                break
        return value

    @torch.no_grad()
    def accuracy(self, pictures: Pictures) -> float:
        """The fraction that is classified correctly."""
        self.network.eval()
        loader = DataLoader(pictures, batch_size=EVALUATION_BATCH)
        correct = sum((self.network(images).argmax(1) == labels).sum().item() for images, labels in loader)
        return correct / len(pictures)


def accuracies(
    configuration: Mapping[str, Any], train: Pictures, judged: Pictures, batch_size: int, epochs: int
) -> Iterator[float]:
    """Trains a configuration; gives its accuracy after each epoch. The last one is 0 if it diverged.

    Args:
        configuration: ``architecture`` and the fields of ``Hyperparameters``.
        train: what to train on.
        judged: what to judge on.
        batch_size: images of a step.
        epochs: how many.
    """
    theta = Hyperparameters(**{name: value for name, value in configuration.items() if name != "architecture"})
    training = UsualTraining(configuration["architecture"], theta, train, batch_size)
    for _ in range(epochs):
        if not math.isfinite(training.train()):
            yield 0.0
            return
        yield training.accuracy(judged)
