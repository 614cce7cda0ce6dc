"""The networks of Tables 1.6 and 1.7, trained on what the loaders read out of archives in the published formats."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from search.datasets import Dataset, load_split
from search.datasets.cifar100 import cifar100
from search.datasets.tiny_imagenet import make_tiny_imagenet
from search.training.loop import Training
from spaces import TrialSpec
from spaces.specs.recipes import THETA
from tests.search.datasets import test_cifar, test_tiny_imagenet


def small_cifar100(root: Path) -> Dataset:
    archive = test_cifar.with_members(test_cifar.archive_of("cifar100", test_cifar.HUNDRED_BODY), test_cifar.HUNDRED)
    test_cifar.put(root, archive, test_cifar.HUNDRED_BODY)
    return cifar100(archive)


def small_tiny_imagenet(root: Path) -> Dataset:
    return make_tiny_imagenet(test_tiny_imagenet.put(root, test_tiny_imagenet.members()), test_tiny_imagenet.COUNTS)


@pytest.mark.parametrize(
    ("made", "name", "images", "judged", "outputs"),
    [
        (small_cifar100, "invB+invC-C-w1", 60, 20, 100),
        (small_cifar100, "scatnetD-w1", 60, 20, 100),
        (small_tiny_imagenet, "invG-B-w1", 12, 5, 3),
        (small_tiny_imagenet, "scatnetB-w1", 12, 5, 3),
    ],
)
def test_an_epoch(made, name: str, images: int, judged: int, outputs: int, tmp_path: Path) -> None:
    data = made(tmp_path)
    split = load_split(data, "rerun", None, tmp_path)
    assert (len(split.train_y), len(split.eval_y), split.classes) == (images, judged, outputs)
    assert split.train_x.dtype == np.uint8
    assert data.recipe
    trial = TrialSpec("rerun", name, data.name, data.data_hash, THETA, 1, None, 8, data.recipe.scale_to(1))
    training = Training(trial, split)
    epoch = training.run_epoch()
    assert math.isfinite(epoch.train_loss)
    assert epoch.accuracy * judged == pytest.approx(round(epoch.accuracy * judged))
    last = list(training.network.children())[-1]
    assert last.out_features == outputs
