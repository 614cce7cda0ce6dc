"""The data folder: whole or not at all, found by hash, mended from the source."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.datasets import find_dataset
from search.datasets.own import list_kept
from search.datasets.own.kept import keep, measure_levels
from search.datasets.own.parts import Part, Parts, make_parts
from spaces.common.errors import UserError


@pytest.fixture
def file(tmp_path: Path, cache: Path, arrays: dict[str, Any]) -> Path:
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


def test_mean_and_standard_deviation_are_those_of_the_standard_library() -> None:
    draw = np.random.default_rng(5)
    counts = draw.integers(0, 50, (2, 256))
    means, stds = measure_levels(counts, "it")
    for channel, mean, std in zip(counts.tolist(), means, stds, strict=True):
        levels = [level / 255 for level, count in enumerate(channel) for _ in range(count)]
        assert mean == pytest.approx(statistics.fmean(levels), abs=1e-6)
        assert std == pytest.approx(statistics.pstdev(levels), abs=1e-6)


def test_a_channel_without_difference_is_divided_by_one() -> None:
    counts = np.zeros((2, 256), int)
    counts[0, 7] = 4
    counts[1, [3, 5]] = 2
    assert measure_levels(counts, "it") == ([0.027451, 0.015686], [1.0, 0.003922])  # 7/255, 4/255; 1/255.
    with pytest.raises(UserError, match=r"it: all pixels of all training images are the same"):
        measure_levels(counts[:1], "it")


def test_the_same_content_has_the_same_hash_whatever_it_is_called(file: Path, arrays: dict[str, Any]) -> None:
    first = find_dataset(str(file))
    other = file.with_name("other.npz")
    np.savez_compressed(other, **{name: array[:, None] if name[0] == "x" else array for name, array in arrays.items()})
    second = find_dataset(str(other))
    assert (second.name, second.data_hash) == ("npz-other", first.data_hash)
    assert [data_hash for data_hash, _ in list_kept()] == [first.data_hash]
    arrays["y_train"][0] = 2
    np.savez(other, **arrays)
    assert find_dataset(str(other)).data_hash != first.data_hash


def test_an_interruption_leaves_nothing(cache: Path, arrays: dict[str, Any]) -> None:
    parts = make_parts(arrays, "it")

    def stop():
        yield arrays["x_test"][:5, None]
        raise KeyboardInterrupt

    broken = Parts(parts.train, Part(parts.test.shape, parts.test.labels, stop()), 3)
    with pytest.raises(KeyboardInterrupt):
        keep(broken, "npz-it", "npz:/it.npz")
    assert not (cache / "own").exists()


def test_a_run_finds_its_data_by_hash_then_at_their_source(file: Path, cache: Path) -> None:
    first = find_dataset(str(file))
    again = ("npz-mine", first.data_hash, first.source)
    file.rename(file.with_suffix(".away"))
    assert find_dataset(*again).load_test(None).images.shape == (12, 1, 9, 8)  # By hash: the file is gone.
    folder = cache / "own" / first.data_hash
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    with pytest.raises(UserError, match=r"npz-mine with the hash .* is no longer in .*, and cannot be read again"):
        find_dataset(*again)
    file.with_suffix(".away").rename(file)
    assert find_dataset(*again).data_hash == first.data_hash
    with pytest.raises(UserError, match=r"npz-mine is data of your own: give its path, as FILE.npz, images:FOLDER"):
        find_dataset("npz-mine")


def test_what_is_damaged_is_noticed_and_mended(file: Path, cache: Path) -> None:
    known = find_dataset(str(file))
    folder = cache / "own" / known.data_hash
    images = folder / "train-images.u8"
    images.write_bytes(bytes([images.read_bytes()[0] ^ 1]) + images.read_bytes()[1:])
    with pytest.raises(UserError, match=r"train-images\.u8: damaged \(its SHA-256 is another one\); delete the folder"):
        known.load_train(None)
    file.touch()  # Another time, so it is read again, and replaces what is damaged.
    assert find_dataset(str(file)).load_train(None).images.shape == (30, 1, 9, 8)
    (folder / "meta.json").write_text("{}")
    with pytest.raises(UserError, match=r"damaged \(.*\); delete it and run again"):
        find_dataset(str(file))
    assert list(list_kept()) == []


def test_a_data_folder_that_cannot_be_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "closed").write_text("a file in its place")
    monkeypatch.setenv("INVSEARCH_DATA", str(file.parent / "closed"))
    with pytest.raises(UserError, match=r"cannot be written .*set INVSEARCH_DATA to a folder that can"):
        find_dataset(str(file))
