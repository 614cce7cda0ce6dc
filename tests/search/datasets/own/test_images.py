"""Folders of images: layouts, splits, formats, sizes, and what is refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from search.datasets import Dataset, find_dataset
from search.datasets.own import images
from search.datasets.own.reference import Reference
from spaces.common.errors import UserError

DRAW = np.random.default_rng(11)


def draw(folder: Path, count: int, shape: tuple[int, ...] = (6, 7), ending: str = "png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(DRAW.integers(0, 256, shape, np.uint8)).save(folder / f"{number}.{ending}")
    return folder


@pytest.fixture
def top(tmp_path: Path, cache: Path) -> Path:
    for part, count in (("train", 5), ("test", 2)):
        for name in ("dog", "cat"):
            draw(tmp_path / "pets" / part / name, count)
    return tmp_path / "pets"


def load(known: Dataset, part: str = "train") -> tuple[np.ndarray, list[int]]:
    found = (known.load_train if part == "train" else known.load_test)(None)
    return np.asarray(found.images), found.labels.tolist()


def test_two_parts(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (top / "train" / "notes.txt").write_text("x")
    (top / "train" / "cat" / ".DS_Store").write_text("x")
    (top / "train" / "cat" / "Thumbs.db").write_text("x")
    draw(top / "val" / "cat", 1)
    known = find_dataset(f"images:{top}")
    assert capsys.readouterr().err.splitlines() == [
        f"{top}: images are taken as 6x7 grey",
        f"{top}: the classes are 0 cat, 1 dog",
        f"{top}: 2 of other kinds are left out: val/, train/notes.txt",
    ]
    assert (known.name, known.train_images, known.classes, known.holdout) == ("images-pets", 10, 2, 1)
    for part, count in (("train", 5), ("test", 2)):
        found, labels = load(known, part)
        assert labels == [0] * count + [1] * count
        for number, image in enumerate(found):
            name = ("cat", "dog")[number // count]
            pixels = np.asarray(Image.open(top / part / name / f"{number % count}.png"))
            np.testing.assert_array_equal(image[0], pixels)


def test_folders_in_a_class_are_looked_into(top: Path) -> None:
    """As those of Tiny ImageNet are; sorted by path, so the same on every file system."""
    (top / "train" / "cat" / "b").mkdir()
    (top / "train" / "cat" / "3.png").rename(top / "train" / "cat" / "b" / "x.PNG")
    found, _ = load(find_dataset(f"images:{top}"))
    np.testing.assert_array_equal(found[4, 0], np.asarray(Image.open(top / "train" / "cat" / "b" / "x.PNG")))


def test_colours_of_every_format(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One image in colour, and all have three channels; lossless formats give the very pixels."""
    cat = top / "train" / "cat"
    draw(cat, 1, (6, 7, 3))
    draw(cat, 2, (6, 7, 4))
    draw(cat, 3, (6, 7, 3), "jpg")
    Image.fromarray(DRAW.integers(0, 256, (6, 7, 3), np.uint8)).save(cat / "0.webp", lossless=True)
    Image.fromarray(DRAW.integers(0, 2, (6, 7), np.uint8) * 255).convert("P").save(cat / "4.png")
    known = find_dataset(f"images:{top}")
    assert known.input_shape == (3, 6, 7)
    assert isinstance(known.mean, tuple)
    assert f"{top}: 2 images have transparency, which is dropped" in capsys.readouterr().err
    found, _ = load(known)
    names = sorted(path.name for path in cat.iterdir())
    for name in ("0.webp", "1.png", "2.png", "4.png"):
        pixels = np.asarray(Image.open(cat / name).convert("RGBA"))[..., :3]
        np.testing.assert_array_equal(found[names.index(name)].transpose(1, 2, 0), pixels)


def test_several_sizes(top: Path, capsys: pytest.CaptureFixture) -> None:
    find_dataset(f"images,resize=3:{top}")
    assert "3x3 grey, resized from 1 size\n" in capsys.readouterr().err
    draw(top / "train" / "dog", 2, (8, 9))
    with pytest.raises(UserError, match=r"pets: its images have 2 sizes, such as 6x7 \(train/cat/0\.png\) and 8x9"):
        find_dataset(f"images:{top}")
    known = find_dataset(f"images,resize=4x5:{top}")
    assert known.input_shape == (1, 4, 5)
    small = Image.open(top / "train" / "dog" / "1.png").resize((5, 4), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(load(known)[0][6, 0], np.asarray(small))
    assert known.data_hash != find_dataset(f"images,resize=5:{top}").data_hash


@pytest.mark.parametrize(("fraction", "tested"), [(0.25, [2, 1, 1]), (0.5, [4, 1, 2]), (0.99, [7, 1, 3])])
def test_one_folder_is_split_by_class(tmp_path: Path, cache: Path, fraction: float, tested: list[int]) -> None:
    for name, count in (("a", 8), ("b", 2), ("c", 4)):
        draw(tmp_path / "all" / name, count)
    text = f"images,test-fraction={fraction}:{tmp_path}/all"
    known = find_dataset(text)
    train, labels = load(known)
    test, test_labels = load(known, "test")
    assert [test_labels.count(number) for number in range(3)] == tested
    assert [labels.count(number) + test_labels.count(number) for number in range(3)] == [8, 2, 4]
    every = {image.tobytes() for image in (*train, *test)}
    assert len(every) == 14  # Each in one of the parts.
    assert find_dataset(f"images,test-fraction={fraction},split-seed=0:{tmp_path}/all").data_hash == known.data_hash
    others = {
        find_dataset(f"images,test-fraction={fraction},split-seed={seed}:{tmp_path}/all").data_hash
        for seed in range(1, 4)
    }
    assert others - {known.data_hash}


def test_the_split_is_the_same_on_every_machine(tmp_path: Path) -> None:
    """Pinned, not derived: it must never move, or a run could not be repeated where the data folder is gone."""
    for name in "ab":
        for number in range(10):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{number}.png").touch()
    found = images.list_images(Reference("images", tmp_path, test_fraction=0.3, split_seed=5))
    assert {name: [path.stem for path in files] for name, files in found.test.items()} == {
        "a": ["1", "6", "7"],
        "b": ["4", "6", "7"],
    }


def bomb(size: int) -> bytes:
    """A PNG of a few bytes that promises size x size pixels."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"0")),
        (b"IEND", b""),
    ]
    packed = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def spoil(path: Path, how: str) -> Any:
    if how == "truncated":
        return path.write_bytes(path.read_bytes()[:-30])
    if how == "gif":
        return Image.fromarray(np.zeros((6, 7), np.uint8)).save(path, "GIF")
    if how == "deep":
        return Image.fromarray(np.zeros((6, 7), np.uint16)).save(path)
    return path.write_bytes({"empty": b"", "text": b"no image", "large": bomb(9000), "bomb": bomb(60_000)}[how])


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("empty", "is truncated, damaged or not a PNG, JPEG or WebP image"),
        ("text", "is truncated, damaged or not a PNG, JPEG or WebP image"),
        ("gif", "is truncated, damaged or not a PNG, JPEG or WebP image"),
        ("truncated", "is truncated, damaged or not a PNG, JPEG or WebP image"),
        ("deep", r"has levels of more than 8 bits \(mode I;16\); save it with 8"),
        ("large", "has 9000 x 9000 pixels, more than 67,108,864"),
        ("bomb", r"3600000000 pixels\) exceeds limit of"),
    ],
)
def test_images_that_cannot_be_read(top: Path, cache: Path, how: str, words: str) -> None:
    spoil(top / "train" / "dog" / "3.png", how)
    with pytest.raises(UserError, match=rf"train/dog/3\.png .*{words}") as raised:
        find_dataset(f"images:{top}")
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith("; repair it, or take it out of the folder")
    assert not (cache / "own").exists()


def test_folders_that_are_no_classes(top: Path, tmp_path: Path) -> None:
    def refuse(words: str, text: str = f"images:{top}") -> None:
        with pytest.raises(UserError, match=words) as raised:
            find_dataset(text)
        assert "\n" not in str(raised.value)

    refuse("no such folder", f"images:{tmp_path}/nowhere")
    refuse("not a folder", f"images:{top}/train/cat/0.png")
    refuse("test-fraction: .* has a test part of its own, test/; leave it out", f"images,test-fraction=0.5:{top}")
    refuse(r"has no train/ and test/, .*add --test-fraction 0\.2", f"images:{top}/train")
    (top / "train" / "fox").mkdir()
    refuse("the class fox has no training images")
    (top / "train" / "fox").rename(top / "test" / "fox")
    find_dataset(f"images:{top}")  # An empty folder of the test part is none.
    draw(top / "test" / "fox", 1)
    refuse("the class fox is only in test/; give it a folder of images in train/, too")
    (top / "test" / "fox" / "0.png").unlink()
    (top / "test").rename(top / "tests")
    refuse(r"has train/ and no test/; add it, or split one folder: images:.*pets/train with --test-fraction 0\.2")
    draw(tmp_path / "one" / "a", 2)
    refuse("has one class, a; give a folder", f"images,test-fraction=0.5:{tmp_path}/one")
    draw(tmp_path / "one" / "b", 1)
    refuse("the class b has 1 image; add some", f"images,test-fraction=0.5:{tmp_path}/one")
    (tmp_path / "none").mkdir()
    refuse("has no folder of a class", f"images,test-fraction=0.5:{tmp_path}/none")
    for name in ("a", "b"):
        draw(tmp_path / "bare" / "train" / name, 1)
        (tmp_path / "bare" / "test" / name).mkdir(parents=True)
    refuse("bare: has no test images", f"images:{tmp_path}/bare")


def test_an_image_that_is_added_or_exchanged_is_noticed(top: Path) -> None:
    first = find_dataset(f"images:{top}").data_hash
    draw(top / "train" / "cat", 1)
    second = find_dataset(f"images:{top}").data_hash
    (top / "train" / "cat" / "9.png").write_bytes((top / "train" / "cat" / "0.png").read_bytes())
    assert len({first, second, find_dataset(f"images:{top}").data_hash}) == 3
