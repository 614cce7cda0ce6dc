"""torchvision's folders, and pickles that say more than they should."""

from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets import find_dataset
from search.datasets.own.pickles import read_pickle
from spaces.common.errors import UserError
from tests.search.datasets.own.test_idx import write

NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def write_as_python_2(images: np.ndarray, labels: list[int], key: str = "labels") -> bytes:
    """A batch as Python 2 and the numpy of its day wrote those of the CIFAR page: protocol 2, texts of bytes.

    Written opcode by opcode, because no Python 3 writes such strings.
    """

    def text(content: bytes) -> bytes:
        short = len(content) < 256
        return (b"U" + bytes([len(content)]) if short else b"T" + struct.pack("<i", len(content))) + content

    def whole(number: int) -> bytes:
        return b"K" + bytes([number]) if 0 <= number < 256 else b"M" + struct.pack("<H", number)

    rows, width = images.shape
    dtype = (
        b"cnumpy\ndtype\n("
        + text(b"u1")
        + b"K\x00K\x01tR(K\x03"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR"
        b"(K\x01(" + whole(rows) + whole(width) + b"t" + dtype + b"\x89" + text(images.tobytes()) + b"tb"
    )
    listed = b"](" + b"".join(map(whole, labels)) + b"e"
    names = b"](" + b"".join(text(b"name_%d.png" % number) for number in range(rows)) + b"e"
    items = (
        (b"batch_label", text(b"training batch 1 of 5")),
        (key.encode(), listed),
        (b"data", array),
        (b"filenames", names),
    )
    return b"\x80\x02}(" + b"".join(text(name) + value for name, value in items) + b"u."


@pytest.fixture
def batches() -> dict[str, tuple[np.ndarray, list[int]]]:
    draw = np.random.default_rng(2)
    return {name: (draw.integers(0, 256, (4, 3072), np.uint8), [0, 1, 2, 1]) for name in NAMES}


def test_cifar_10_as_python_2_wrote_it(tmp_path: Path, cache: Path, batches: dict[str, Any]) -> None:
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, (images, labels) in batches.items():
        content = write_as_python_2(images, labels)
        assert pickle.loads(content, encoding="latin1")["labels"] == labels  # Python agrees that this is a pickle.
        (folder / name).write_bytes(content)
    (folder / "batches.meta").write_bytes(b"not looked at")
    known = find_dataset(f"torchvision:{folder}")
    assert (known.name, known.classes, known.input_shape) == ("torchvision-cifar-10-batches-py", 3, (3, 32, 32))
    expected = np.concatenate([batches[name][0] for name in NAMES[:5]]).reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(known.load_train(None).images, expected)
    assert known.load_train(None).labels.tolist() == [0, 1, 2, 1] * 5
    np.testing.assert_array_equal(known.load_test(None).images.reshape(4, -1), batches["test_batch"][0])
    assert find_dataset(f"torchvision:{folder.parent}").data_hash == known.data_hash


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL))
def test_cifar_100_as_python_3_writes_it(tmp_path: Path, cache: Path, protocol: int) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    images = np.random.default_rng(1).integers(0, 256, (6, 3072), np.uint8)
    content = {b"data": images, b"fine_labels": [0, 1, 2] * 2, b"coarse_labels": [0] * 6}
    for name in ("train", "test"):
        (folder / name).write_bytes(pickle.dumps(content, protocol))
    known = find_dataset(f"torchvision:{folder}")
    np.testing.assert_array_equal(known.load_train(None).images.reshape(6, -1), images)
    assert known.load_test(None).labels.tolist() == [0, 1, 2] * 2


def test_mnist_and_its_like(tmp_path: Path, cache: Path, arrays: dict[str, Any], batches: dict[str, Any]) -> None:
    write(tmp_path / "root" / "FashionMNIST" / "raw", arrays)
    write(tmp_path / "root" / "FashionMNIST" / "raw", arrays, "{}.gz")  # torchvision leaves both.
    names = {
        find_dataset(f"torchvision:{tmp_path}/root{end}").name for end in ("", "/FashionMNIST", "/FashionMNIST/raw")
    }
    assert names == {"torchvision-root", "torchvision-FashionMNIST"}
    write(tmp_path / "root" / "MNIST" / "raw", arrays)
    with pytest.raises(UserError, match=r"several data sets; give torchvision:.*FashionMNIST/raw or torch"):
        find_dataset(f"torchvision:{tmp_path}/root")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no data set as torchvision downloads it; give the folder above MNIST/raw"):
        find_dataset(f"torchvision:{tmp_path}/empty")
    with pytest.raises(UserError, match="no such folder"):
        find_dataset(f"torchvision:{tmp_path}/nowhere")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], "it holds a list, no dict"),
        ({"data": 3, "labels": [0]}, "has no images of CIFAR"),
        ({"data": np.zeros((2, 9), np.uint8), "labels": [0, 1]}, "has no images of CIFAR"),
        ({"data": np.zeros((2, 3072), np.int64), "labels": [0, 1]}, "has no images of CIFAR"),
        ({"data": np.zeros((2, 3072), np.float32), "labels": [0, 1]}, "it holds an array of an unusual type"),
        ({"data": np.zeros((2, 3072), np.uint8, order="F"), "labels": [0, 1]}, "it holds an array of an unusual type"),
        ({"data": np.array([{}]), "labels": [0, 1]}, "it holds an array of an unusual type"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": ["a", "b"]}, "has no labels of CIFAR: labels"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, "has 2 images and 1 labels"),
        ({"data": Path("/")}, "it asks for pathlib.*, which no data need"),
    ],
)
def test_what_is_no_batch(tmp_path: Path, cache: Path, batches: dict[str, Any], content: Any, words: str) -> None:
    for name, (images, labels) in batches.items():
        (tmp_path / name).write_bytes(write_as_python_2(images, labels))
    (tmp_path / "data_batch_2").write_bytes(pickle.dumps(content, 2))
    with pytest.raises(UserError, match=rf"data_batch_2 .*{words}") as raised:
        find_dataset(f"torchvision:{tmp_path}")
    assert "\n" not in str(raised.value)
    (tmp_path / "data_batch_2").unlink()
    with pytest.raises(UserError, match="lacks data_batch_2; download it again"):
        find_dataset(f"torchvision:{tmp_path}")


class Evil:
    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_of_a_pickle_is_run(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "mark"
    for call in ((exec, f"open({str(mark)!r}, 'w')"), (open, str(mark), "w"), (getattr, {}, "clear"), (np.load, "x")):
        content = pickle.dumps({"data": Evil(*call)}, protocol)
        with pytest.raises(pickle.UnpicklingError, match=r"it asks for"):
            read_pickle(content)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02}q",
        b"\x80\x02]r\xff\xff\xff\xff.",  # Puts a list at place 4,294,967,295 of the memo: 32 GiB of it.
        b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03NNNNNNNtb.",
        b"ccopyreg\n_reconstructor\n.",
        b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x04\x00\x00\x00zliptR.",
        b"c_codecs\nencode\n}U\x0c__defaults__)sb.",  # Would change the function itself.
        b"cnumpy\nndarray\n}U\x01aK\x01sb.",
        b"Pevil\n.",
    ],
)
def test_pickles_that_are_damaged_or_odd(content: bytes) -> None:
    with pytest.raises((pickle.UnpicklingError, ValueError, TypeError, EOFError, AttributeError, IndexError)):
        read_pickle(content)


def test_numbers_texts_and_lists_come_out_as_they_are() -> None:
    plain = {"a": [1, -5, 2**70, 1.5, None, True, "ü", b"\xff", ("x",)], "b": {"c": []}}
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        body = io.BytesIO()
        pickle.dump(plain, body, protocol)
        assert read_pickle(body.getvalue()) == plain
