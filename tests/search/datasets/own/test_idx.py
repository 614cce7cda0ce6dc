"""IDX files by all their usual names."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets import find_dataset
from search.datasets.mnist import MNIST
from spaces.common.errors import UserError
from tests.search.datasets.conftest import as_idx

SHARED = Path(os.environ.get("INVSEARCH_DATA", Path(__file__).resolve().parents[5] / "shared" / "data"))
NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def write(folder: Path, arrays: dict[str, Any], form: str = "{}", **names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        path = folder / form.format(names.get(name, NAMES[name]))
        content = as_idx(np.asarray(array, np.uint8))
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return folder


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("{}", {}),
        ("{}.gz", {}),
        ("{}", {"x_train": "train-images.idx3-ubyte", "y_test": "t10k-labels.idx1-ubyte.gz"}),
        ("emnist-letters-{}.gz", {"x_test": "test-images-idx3-ubyte", "y_test": "test-labels-idx1-ubyte"}),
    ],
)
def test_names(tmp_path: Path, cache: Path, arrays: dict[str, Any], form: str, names: dict[str, str]) -> None:
    known = find_dataset(f"idx:{write(tmp_path / 'own', arrays, form, **names)}")
    assert (known.name, known.classes, known.input_shape) == ("idx-own", 3, (1, 9, 8))
    np.testing.assert_array_equal(known.load_train(None).images[:, 0], arrays["x_train"])
    np.testing.assert_array_equal(known.load_test(None).labels, arrays["y_test"])


def test_the_letters_of_emnist(tmp_path: Path, cache: Path, arrays: dict[str, Any], capsys: Any) -> None:
    """They count from 1, lie beside others, and are transposed."""
    arrays |= {name: arrays[name] + 1 for name in ("y_train", "y_test")}
    folder = write(tmp_path / "raw", arrays, "emnist-letters-{}")
    write(folder, arrays | {"y_train": arrays["y_train"] - 1, "y_test": arrays["y_test"] - 1}, "emnist-digits-{}.gz")
    with pytest.raises(UserError, match=f"several data sets; give idx,subset=emnist-digits:{folder} or idx,subset=emn"):
        find_dataset(f"idx:{folder}")
    with pytest.raises(UserError, match="has no 'letters'; give idx,subset=emnist-digits"):
        find_dataset(f"idx,subset=letters:{folder}")
    capsys.readouterr()
    known = find_dataset(f"idx,subset=emnist-letters:{folder}")
    assert known.load_train(None).labels.tolist() == [0, 1, 2] * 10
    assert capsys.readouterr().err.splitlines() == [
        f"{folder}: images are taken as (N, H, W), 9x8 grey",
        f"{folder}: labels 1 to 3 are taken as 0 to 2",
        "EMNIST stores its images transposed; they stay so",
    ]


def test_what_is_refused(tmp_path: Path, cache: Path, arrays: dict[str, Any]) -> None:
    def refuse(words: str) -> None:
        with pytest.raises(UserError, match=words) as raised:
            find_dataset(f"idx:{folder}")
        assert "\n" not in str(raised.value)

    folder = tmp_path / "own"
    refuse("own: no such folder")
    folder.mkdir()
    refuse("own: has no IDX files; their names are train-images-idx3-ubyte")
    write(folder, arrays)
    (folder / NAMES["y_test"]).unlink()
    refuse("own: lacks the test labels; the names are train-images")
    whole = gzip.compress(as_idx(np.asarray(arrays["y_test"], np.uint8)))
    (folder / f"{NAMES['y_test']}.gz").write_bytes(whole[:-5])
    refuse(r"t10k-labels-idx1-ubyte\.gz is truncated, damaged or not a gzip file .*; get it again")
    (folder / f"{NAMES['y_test']}.gz").write_bytes(whole)
    find_dataset(f"idx:{folder}")
    path = folder / NAMES["x_train"]
    path.write_bytes(path.read_bytes()[:-1])
    refuse("its header promises 30 x 9 x 8 bytes, 2159 follow")
    path.write_bytes((folder / NAMES["y_train"]).read_bytes())
    refuse("not an IDX file of 3 dimensions")
    write(folder, arrays | {"y_train": arrays["y_train"][:29]})
    refuse(r"y_train: labels are \(29,\) and there are 30 images")


@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason="no MNIST here")
def test_mnist_under_the_names_of_others(tmp_path: Path, cache: Path) -> None:
    """What Fashion-MNIST's files are called; the images are MNIST's, as its own loader reads them."""
    folder = tmp_path / "fashion"
    folder.mkdir()
    for name in NAMES.values():
        (folder / f"{name.replace('-idx', '.idx')}.gz").symlink_to(SHARED / "mnist" / f"{name}.gz")
    known = find_dataset(f"idx:{folder}")
    assert (known.train_images, known.holdout, known.batch_size, known.classes) == (60_000, 6_000, 64, 10)
    assert (known.mean, known.std) == (pytest.approx(MNIST.mean, abs=5e-5), pytest.approx(MNIST.std, abs=5e-5))
    expected, found = MNIST.load_test(SHARED), known.load_test(None)
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)
