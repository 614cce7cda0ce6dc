"""The usual way computes what the engines compute."""

import numpy as np
import pytest
import torch

from benchmarks.common.usual import Pictures, UsualTraining, accuracies, make_usual_network, normalize
from models import ARCHITECTURES, build
from search.datasets import DIGITS, MNIST, load_split
from spaces import Hyperparameters

THETA = Hyperparameters(lr=0.05, momentum=0.5, weight_decay=1e-4, gain=1.5)


def noise(count):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8), rng.integers(0, 10, count)


def pictures(count):
    return Pictures(*noise(count), MNIST.mean, MNIST.std)


def test_the_transform():
    images, labels = noise(5)
    expected = (images / 255 - MNIST.mean) / MNIST.std
    for index, (tensor, label) in enumerate(pictures(5)[place] for place in range(5)):
        assert tensor.dtype == torch.float32
        assert label == labels[index]
        np.testing.assert_allclose(tensor.numpy(), expected[index], rtol=1e-5, atol=1e-6)


def test_the_transform_gives_what_invsearch_trains_on():
    split, source = load_split(DIGITS, "rerun", None), DIGITS.load_train(None)
    tensor, _ = Pictures(source.images, source.labels, DIGITS.mean, DIGITS.std)[7]
    np.testing.assert_allclose(tensor.numpy(), split.train_x[7], rtol=1e-5, atol=1e-6)


def test_a_zero_std_is_refused():
    with pytest.raises(ValueError, match="division by zero"):
        normalize(torch.zeros(1, 2, 2), (0.0,), (0.0,))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_networks_agree(name):
    x = torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    ours, usual = build(name, gain=1.5, seed=3), make_usual_network(name, gain=1.5, seed=3)
    torch.testing.assert_close(usual(x), ours(x), rtol=1e-4, atol=1e-5)
    learned = [sum(p.numel() for p in network.parameters() if p.requires_grad) for network in (ours, usual)]
    assert learned[0] == learned[1]


@pytest.mark.parametrize("name", ["conv", "invariant", "dct"])
def test_training_lowers_the_loss(name):
    torch.manual_seed(0)
    training = UsualTraining(name, THETA, pictures(32), batch_size=32)
    first, *_, last = [training.train() for _ in range(8)]
    assert last < first


def test_accuracies_come_after_each_epoch():
    configuration = {"architecture": "conv", **THETA.as_dict()}
    found = list(accuracies(configuration, pictures(32), pictures(16), batch_size=16, epochs=3))
    assert len(found) == 3
    assert all(0 <= accuracy <= 1 for accuracy in found)


def test_a_diverged_training_ends():
    configuration = {"architecture": "conv", **THETA.as_dict(), "lr": 1e30, "momentum": 0.9}
    assert list(accuracies(configuration, pictures(64), pictures(16), batch_size=16, epochs=3)) == [0.0]
