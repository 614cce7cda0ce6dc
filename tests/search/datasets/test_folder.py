"""Folders in CIFAR-10's binary layout: named by their own names and content."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from search.cli import main
from search.datasets import find_dataset
from search.datasets.folder import import_folder, list_folder_datasets
from spaces.common.errors import UserError
from spaces.specs.recipes import CIFAR

SUBSET = Path(__file__).resolve().parents[4] / "shared" / "data" / "cifar10-subset"


def make(folder: Path, counts: tuple[int, ...] = (20, 10), tested: int = 10, seed: int = 0, classes: int = 0) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    names = [*(f"data_batch_{number}.bin" for number in range(1, len(counts) + 1)), "test_batch.bin"]
    for name, count in zip(names, (*counts, tested), strict=True):
        records = rng.integers(0, 256, (count, 3073), np.uint8)
        records[:, 0] = np.arange(count) % (classes or 10)
        (folder / name).write_bytes(records.tobytes())
    if classes:
        (folder / "batches.meta.txt").write_text("".join(f"class {i}\n" for i in range(classes)) + "\n")
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.parametrize("below", ["", "cifar-10-batches-bin"])
def test_a_folder_below_the_data_folder(root: Path, below: str) -> None:
    folder = make(root / "mine" / below, classes=3)
    known = find_dataset("folder-mine")
    assert (known.name, known.train_images, known.classes, known.holdout) == ("folder-mine", 30, 3, 3)
    assert known.recipe == CIFAR
    raw = b"".join((folder / f"data_batch_{number}.bin").read_bytes() for number in (1, 2))
    train = known.load_train(None)
    assert b"".join(bytes([y]) + x.tobytes() for x, y in zip(train.images, train.labels, strict=True)) == raw
    assert len(known.load_test(None).labels) == 10


def test_folders_that_are_there_are_listed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(root / "mine", classes=3)
    make(root / "another" / "cifar-10-batches-bin", classes=2)
    for name in ("mnist", "not allowed"):
        (root / name).mkdir()
    (root / "file").touch()
    assert [found.name for found in list_folder_datasets()] == ["folder-another", "folder-mine"]
    assert main(["data"]) == 0
    assert "\nfolder-mine: " in capsys.readouterr().out


def test_the_hash_is_that_of_the_content(root: Path) -> None:
    make(root / "a")
    make(root / "b")
    make(root / "c", seed=1)
    first = find_dataset("folder-a").data_hash
    assert find_dataset("folder-b").data_hash == first
    assert find_dataset("folder-c").data_hash != first
    assert find_dataset("folder-a", first).name == "folder-a"
    path = root / "a" / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(UserError, match=r"folder-a has the hash .* it was changed, or is another data set"):
        find_dataset("folder-a", first)


def test_import(root: Path, tmp_path: Path) -> None:
    make(tmp_path / "mine" / "cifar-10-batches-bin", classes=5)
    assert import_folder("folder-own", tmp_path / "mine") == root / "own"
    assert find_dataset("folder-own").classes == 5
    assert sorted(path.name for path in root.iterdir()) == ["own"]
    with pytest.raises(UserError, match="own is there already"):
        import_folder("folder-own", tmp_path / "mine")


def test_what_is_no_such_folder(root: Path) -> None:
    with pytest.raises(UserError, match=r"no folder .*mine; set INVSEARCH_DATA .* 'invsearch data folder-mine --from"):
        find_dataset("folder-mine")
    with pytest.raises(UserError, match="is not allowed; give a name"):
        find_dataset("folder-../x")
    with pytest.raises(UserError, match="folder- lacks the folder's name; give folder-NAME"):
        find_dataset("folder-")  # Which would be the data folder itself.
    with pytest.raises(UserError, match="folder- lacks the folder's name; give folder-NAME"):
        import_folder("folder-", root)
    make(root / "gap", (2, 2, 2))
    (root / "gap" / "data_batch_2.bin").unlink()
    make(root / "empty", (1,))
    make(root / "bad", (3,), classes=2)
    (root / "bad" / "data_batch_1.bin").write_bytes(bytes([7] * 3073 * 3))
    make(root / "pipe", (3,))
    (root / "pipe" / "data_batch_1.bin").unlink()
    os.mkfifo(root / "pipe" / "data_batch_1.bin")
    for name, message in (
        ("gap", "lacks data_batch_2.bin; CIFAR-10's binary layout is"),
        ("empty", "1 training images"),
        ("pipe", "0 training"),
    ):
        with pytest.raises(UserError, match=message):
            find_dataset(f"folder-{name}")
    with pytest.raises(UserError, match=r"label 7 in record 1, allowed are 0 to 1"):
        find_dataset("folder-bad").load_train(None)


def labelled(folder: Path, train: list[int], test: list[int], names: str | None = None) -> Path:
    folder.mkdir(parents=True)
    for file, labels in (("data_batch_1.bin", train), ("test_batch.bin", test)):
        (folder / file).write_bytes(b"".join(bytes([label]) + bytes(3072) for label in labels))
    if names is not None:
        (folder / "batches.meta.txt").write_text(names, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("train", "test", "names", "classes"),
    [
        ([0, 1, 0], [1], None, 2),  # No list: it was ten whatever the labels.
        ([0, 1, 0], [2], None, 3),  # A class that only the test set has is one.
        ([0, 255], [0], None, 256),
        ([0, 1, 0], [1], "cat\ndog\n", 2),
        ([0, 1, 0], [1], "# My classes\ncat\n  # and\ndog\n", 2),
        ([0, 1, 0], [1], "\ufeffcat\r\ndog\r\n\r\n", 2),
        ([0, 1, 0], [1], "cat\ndog\nfox", 3),  # Some may have no images yet.
    ],
)
def test_classes(root: Path, train: list[int], test: list[int], names: str | None, classes: int) -> None:
    labelled(root / "mine", train, test, names)
    known = find_dataset("folder-mine")
    assert known.classes == classes
    assert f"{len(train)} + {len(test)} images of {classes} classes in CIFAR-10's binary layout" in known.title
    assert known.load_train(None).labels.tolist() == train
    assert known.load_test(None).labels.tolist() == test


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (None, "every label is 0; give at least 2 classes, or list them in batches.meta.txt"),
        ("# cat\n# dog\n", "0 classes; give 2 to 256 names"),
        ("cat\n#dog", "1 classes; give 2 to 256 names"),
    ],
)
def test_what_are_no_classes(root: Path, names: str | None, words: str) -> None:
    folder = labelled(root / "mine", [0, 0], [0], names)
    with pytest.raises(UserError, match=words):
        find_dataset("folder-mine")
    (folder / "batches.meta.txt").write_bytes("cat\ndog\n".encode("utf-16"))
    with pytest.raises(UserError, match=r"batches\.meta\.txt: not UTF-8 text"):
        find_dataset("folder-mine")
    (folder / "batches.meta.txt").unlink()
    (folder / "batches.meta.txt").symlink_to(root / "nowhere")
    with pytest.raises(UserError, match=r"batches\.meta\.txt: cannot be read"):
        find_dataset("folder-mine")


def test_ten_classes_hash_as_they_did(root: Path) -> None:
    """The list of ten names decides nothing that ten labels do not."""
    labelled(root / "a", list(range(10)), [0])
    labelled(root / "b", list(range(10)), [0], "\n".join("abcdefghij"))
    assert find_dataset("folder-a").data_hash == find_dataset("folder-b").data_hash


@pytest.mark.skipif(not SUBSET.is_dir(), reason="no subset here")
def test_the_real_subset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVSEARCH_DATA", str(SUBSET.parent))
    known = find_dataset("folder-cifar10-subset")
    train, test = known.load_train(None), known.load_test(None)
    assert (len(train.labels), len(test.labels), known.classes) == (10_000, 2_000, 10)
    mean = train.images.mean((0, 2, 3)) / 255
    np.testing.assert_allclose(mean, known.mean, atol=0.005)  # The published means of all 50,000.
