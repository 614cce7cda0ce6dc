"""Files of numpy.savez: decoded once, found again, and refused in one line."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets import find_dataset, load_split
from search.datasets.own import npz, seen
from spaces.common.errors import UserError


@pytest.fixture
def file(tmp_path: Path, cache: Path, arrays: dict[str, Any]) -> Path:
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


def test_a_file_becomes_a_data_set(file: Path, arrays: dict[str, Any], capsys: pytest.CaptureFixture) -> None:
    known = find_dataset(str(file))
    assert capsys.readouterr().err == f"{file}: images are taken as (N, H, W), 9x8 grey\n"
    assert (known.name, known.classes, known.input_shape) == ("npz-mine", 3, (1, 9, 8))
    assert (known.train_images, known.holdout, known.batch_size, known.epochs) == (30, 3, 16, 20)
    assert (known.recipe, known.theta, known.source) == (None, None, f"npz:{file}")
    assert known.mean == pytest.approx(arrays["x_train"].mean() / 255, abs=1e-6)
    assert known.std == pytest.approx(arrays["x_train"].std() / 255, abs=1e-6)
    for load, part in ((known.load_train, "train"), (known.load_test, "test")):
        found = load(None)
        np.testing.assert_array_equal(found.images[:, 0], arrays[f"x_{part}"])
        np.testing.assert_array_equal(found.labels, arrays[f"y_{part}"])


def test_a_sweep_reads_nothing_of_the_test_part(file: Path, cache: Path) -> None:
    known = find_dataset(str(file))
    for name in ("test-images.u8", "test-labels.i8"):
        (cache / "own" / known.data_hash / name).unlink()
    split = load_split(known, "sweep", 0)
    assert (len(split.train_y), len(split.eval_y)) == (27, 3)
    with pytest.raises(UserError, match=r"test-images\.u8: damaged \(No such file .*delete the folder"):
        load_split(known, "rerun", None)


def test_an_unchanged_file_is_not_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_dataset(str(file)).data_hash
    with monkeypatch.context() as patch:
        patch.setattr(npz, "read_npz", None)
        assert find_dataset(str(file)).data_hash == first
        assert find_dataset(f"npz:{file.parent}/./mine.npz").data_hash == first


def test_an_edit_is_noticed_whatever_its_times_say(file: Path, arrays: dict[str, Any]) -> None:
    first, before = find_dataset(str(file)), file.stat()
    arrays["x_test"][0, 0, 0] ^= 1
    np.savez(file, **arrays)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    with pytest.raises(UserError, match=r"npz-mine has the hash .* here and .* in the run; it was changed"):
        find_dataset(str(file), first.data_hash)
    assert find_dataset("npz-mine", first.data_hash, first.source).data_hash == first.data_hash  # Still kept.


def test_a_file_that_is_too_young_is_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A further edit might leave its times as they are, so there is a pause, and where it helps not, no memory."""
    waits = []
    monkeypatch.setattr(seen, "SETTLED", 1e9)
    monkeypatch.setattr(seen.time, "sleep", waits.append)
    first, reads = find_dataset(str(file)), []
    original = npz.read_npz
    monkeypatch.setattr(npz, "read_npz", lambda path: reads.append(path) or original(path))
    assert find_dataset(str(file)).data_hash == first.data_hash
    assert reads == [file]
    assert waits == [pytest.approx(1e9, rel=1e-3)] * 2


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(
    file: Path, arrays: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An uncompressed one, which is as large itself, is read whatever its size."""
    monkeypatch.setattr(npz, "MOST", 2000)
    assert find_dataset(str(file)).train_images == 30
    arrays["x_train"] = np.zeros((30, 90, 80), np.uint8)
    np.savez_compressed(file, **arrays)
    assert file.stat().st_size < 10_000
    with pytest.raises(
        UserError, match=r"mine\.npz: unpacks to 21\d,\d{3} bytes, more than 2,000; save it with numpy.s"
    ):
        find_dataset(str(file))


def save(path: Path, arrays: dict[str, Any]) -> None:
    np.savez(path, **arrays)


def pack(**members: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return body.getvalue()


def test_what_is_no_such_file(tmp_path: Path, cache: Path, arrays: dict[str, Any]) -> None:
    path = tmp_path / "x.npz"
    for make, words in (
        (lambda: None, "no such file"),
        (lambda: path.mkdir(), "not a regular file"),
        (lambda: (path.rmdir(), os.mkfifo(path)), "not a regular file"),
        (lambda: (path.unlink(), path.write_bytes(b"")), "is truncated, damaged or not an .npz file"),
        (lambda: path.write_bytes(b"PK\x03\x04 and no more"), "is truncated, damaged or not an .npz file"),
        (lambda: path.write_bytes(b"\x80\x04N."), r"is truncated, damaged or not an .npz file \(.*pickle"),
        (lambda: save(path, arrays | {"y_test": np.array([{}] * 12)}), "Object arrays cannot be loaded"),
        (lambda: path.write_bytes(pack(x_train=b"\x93NUMPY")), "is truncated, damaged or not an .npz file"),
        (lambda: np.savez(path, images=arrays["x_train"]), "lacks x_train, y_train, x_test, y_test; its arrays are im"),
    ):
        make()
        with pytest.raises(UserError, match=words) as raised:
            find_dataset(str(path))
        assert "\n" not in str(raised.value)
    with path.open("wb") as stream:
        np.save(stream, arrays["x_train"])
    with pytest.raises(UserError, match=r"a single array, as numpy.save writes it"):
        find_dataset(str(path))
    assert not (cache / "own").exists() or not any((cache / "own").iterdir())
