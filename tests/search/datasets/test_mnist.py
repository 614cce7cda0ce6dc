import gzip
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.datasets import load_split
from search.datasets.files.store import Store
from search.datasets.mnist import MNIST, make_mnist
from spaces.common.errors import UserError

SHARED = Path(os.environ.get("INVSEARCH_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data")


def test_parts(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "mnist")
    for part, load in (("train", make_mnist(fake.store).load_train), ("t10k", make_mnist(fake.store).load_test)):
        arrays = load(tmp_path)
        assert np.array_equal(arrays.images[:, 0], fake.arrays[f"{part}-images-idx3-ubyte"])
        assert np.array_equal(arrays.labels, fake.arrays[f"{part}-labels-idx1-ubyte"])
        assert arrays.images.shape[1:] == (1, 28, 28)
        assert arrays.labels.dtype == np.int64


def test_a_sweep_needs_no_test_files(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "mnist", "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    dataset = replace(make_mnist(fake.store), holdout=10)
    assert load_split(dataset, "sweep", 0, tmp_path).train_y.shape == (50,)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / "mnist" / name).write_bytes(b"poison")
    assert load_split(dataset, "sweep", 0, tmp_path).eval_y.shape == (10,)
    with pytest.raises(UserError, match="t10k-images-idx3-ubyte is truncated or not"):
        load_split(dataset, "rerun", 0, tmp_path)


def test_missing_files_of_one_part_are_downloaded(fake, good, tmp_path: Path) -> None:
    dataset = make_mnist(Store("mnist", fake.store.files, (good.url,)))
    assert len(dataset.load_train(tmp_path).labels) == 60
    assert good.asked == ["/train-images-idx3-ubyte.gz", "/train-labels-idx1-ubyte.gz"]


def test_missing_files_without_network(fake, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be reached.*invsearch data mnist --from DIR"):
        make_mnist(fake.store).load_train(tmp_path)


def test_hash_needs_no_files_and_knows_every_file(fake) -> None:
    known = make_mnist(fake.store).data_hash
    assert len(known) == 16
    assert known != MNIST.data_hash
    for i, file in enumerate(fake.store.files):
        files = list(fake.store.files)
        files[i] = replace(file, sha256="0" * 64)
        assert make_mnist(replace(fake.store, files=tuple(files))).data_hash != known
    assert make_mnist(replace(fake.store, mirrors=())).data_hash == known


def test_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(MNIST)).data_hash == MNIST.data_hash


def test_published_table() -> None:
    sizes = {file.name: file.size for file in MNIST.store.files} if MNIST.store else {}
    assert sizes == {
        "train-images-idx3-ubyte": 16 + 60_000 * 28 * 28,
        "train-labels-idx1-ubyte": 8 + 60_000,
        "t10k-images-idx3-ubyte": 16 + 10_000 * 28 * 28,
        "t10k-labels-idx1-ubyte": 8 + 10_000,
    }


if (SHARED / "mnist").is_dir():

    def test_the_real_files() -> None:
        train, test = MNIST.load_train(SHARED), MNIST.load_test(SHARED)
        # Class counts of http://yann.lecun.com/exdb/mnist, and the mean and std that notes.md rounds.
        assert np.bincount(train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        assert train.images.mean() / 255 == pytest.approx(MNIST.mean, abs=5e-5)
        assert train.images.std() / 255 == pytest.approx(MNIST.std, abs=5e-5)
        split = load_split(MNIST, "sweep", 0, SHARED)
        assert split.train_x.shape == (50_000, 1, 28, 28)
        assert split.eval_x.shape == (10_000, 1, 28, 28)

    def test_a_real_file_under_a_wrong_name(tmp_path: Path) -> None:
        zipped = (SHARED / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes()
        (tmp_path / "train-images.idx3-ubyte").write_bytes(gzip.decompress(zipped))
        (tmp_path / "train-labels.idx1-ubyte").touch()
        with pytest.raises(UserError, match="holds the content of t10k-images-idx3-ubyte"):
            MNIST.load_train(tmp_path)
