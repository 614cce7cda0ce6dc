from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.datasets import DATASETS, Arrays, Dataset, find_dataset, load_split
from search.datasets.split import normalize
from spaces.common.errors import UserError


def numbered(root: Path | None, count: int = 100) -> Arrays:
    """Images that can be told apart: number i is filled with the grey level i."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 1, 28, 28))
    return Arrays(images, np.arange(count, dtype=np.int64))


def untouchable(root: Path | None) -> Arrays:
    raise AssertionError("a sweep touched the test set")


@pytest.fixture
def small() -> Dataset:
    return replace(DATASETS["digits"], holdout=30, load_train=numbered, load_test=untouchable)


def test_sweep_is_a_partition_of_the_training_set(small: Dataset) -> None:
    split = load_split(small, "sweep", 0)
    assert len(split.train_y) == 70
    assert len(split.eval_y) == 30
    assert sorted([*split.train_y, *split.eval_y]) == list(range(100))


@pytest.mark.parametrize("phase", ["sweep", "rerun"])
def test_images_keep_their_labels_and_are_normalised(small: Dataset, phase: str) -> None:
    split = load_split(replace(small, load_test=lambda root: numbered(root, 40)), phase, 3)
    for x, y in ((split.train_x, split.train_y), (split.eval_x, split.eval_y)):
        expected = np.broadcast_to(((y / 255 - 0.1307) / 0.3081)[:, None, None, None], (len(y), 1, 28, 28))
        np.testing.assert_allclose(x, expected, rtol=1e-6, atol=1e-7)
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        assert x.flags.c_contiguous
        assert y.flags.c_contiguous


def test_each_channel_is_normalised_by_its_own_numbers() -> None:
    colour = replace(DATASETS["digits"], input_shape=(3, 2, 2), mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 2, 2), np.uint8)
    found = normalize(images, colour)
    for channel, (mean, std) in enumerate(((0.1, 0.5), (0.2, 1.0), (0.3, 2.0))):
        np.testing.assert_allclose(found[:, channel], (images[:, channel] / 255 - mean) / std, rtol=1e-6, atol=1e-7)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous


def test_split_seed_alone_decides(small: Dataset) -> None:
    first, again, other = (load_split(small, "sweep", seed) for seed in (1, 1, 2))
    assert np.array_equal(first.eval_y, again.eval_y)
    assert np.array_equal(first.train_x, again.train_x)
    assert not np.array_equal(first.eval_y, other.eval_y)


def test_held_out_are_the_last_of_the_permutation(small: Dataset) -> None:
    order = np.random.Generator(np.random.PCG64(5)).permutation(100)
    assert set(load_split(small, "sweep", 5).eval_y) == set(order[70:])


@pytest.mark.parametrize("seed", [None, 0, 5])
def test_rerun_uses_all_training_images_and_the_test_set(small: Dataset, seed: int | None) -> None:
    split = load_split(replace(small, load_test=lambda root: numbered(root, 40)), "rerun", seed)
    assert split.train_y.tolist() == list(range(100))
    assert split.eval_y.tolist() == list(range(40))


def test_root_reaches_the_loaders(small: Dataset, tmp_path: Path) -> None:
    roots: list[Path | None] = []

    def load(root: Path | None) -> Arrays:
        roots.append(root)
        return numbered(root)

    load_split(replace(small, load_train=load, load_test=load), "rerun", None, tmp_path)
    assert roots == [tmp_path, tmp_path]


@pytest.mark.parametrize("seed", [None, -1])
def test_sweep_needs_a_split_seed(small: Dataset, seed: int | None) -> None:
    with pytest.raises(UserError, match="split_seed"):
        load_split(small, "sweep", seed)


def test_unknown_phase(small: Dataset) -> None:
    with pytest.raises(UserError, match="'test' is unknown; allowed are sweep, choice, rerun"):
        load_split(small, "test", 0)


def test_digits_sizes() -> None:
    sweep, rerun = (load_split(DATASETS["digits"], phase, 0) for phase in ("sweep", "rerun"))
    assert (len(sweep.train_y), len(sweep.eval_y)) == (1000, 347)
    assert (len(rerun.train_y), len(rerun.eval_y)) == (1347, 450)


@pytest.mark.parametrize("name", DATASETS)
def test_names_and_hashes(name: str) -> None:
    known = find_dataset(name)
    assert known.name == name
    assert int(known.data_hash, 16) >= 0
    assert len(known.data_hash) == 16
    for changed in (replace(known, mean=0.5), replace(known, std=1.0), replace(known, holdout=7)):
        assert changed.data_hash != known.data_hash


def test_unknown_dataset() -> None:
    with pytest.raises(UserError, match="'minst' is unknown; did you mean mnist"):
        find_dataset("minst")
    with pytest.raises(
        UserError, match=r"choose one of digits, mnist, cifar10, cifar100, tiny-imagenet, folder-NAME, FILE"
    ):
        find_dataset("zzz")


def test_a_folder_without_its_kind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"is a folder; say what it holds, as in images:{tmp_path} or idx:"):
        find_dataset(str(tmp_path))


def test_arrays_that_do_not_belong_together() -> None:
    images, labels = np.zeros((3, 1, 2, 2), np.uint8), np.zeros(3, np.int64)
    with pytest.raises(UserError, match="images must be uint8"):
        Arrays(images.astype(np.float32), labels)
    with pytest.raises(UserError, match="one for each of the 3 images"):
        Arrays(images, labels[:2])
