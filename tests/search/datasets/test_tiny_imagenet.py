"""Tiny ImageNet from a zip file made here as the published one is laid out, with few images."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from search.datasets import Arrays
from search.datasets.files.archive import Archive
from search.datasets.files.decoded import Decoded, decode_jpeg
from search.datasets.files.verify import UnusableFileError
from search.datasets.tiny_imagenet import Counts, Members, load_part, make_tiny_imagenet, parse_annotations, parse_wnids
from spaces.common.errors import UserError

COUNTS = Counts(classes=3, per_class=4, val=5)
WNIDS = ["n02124075", "n01443537", "n04067472"]  # Published in another order than sorted.
TOP = "tiny-imagenet-200"


def jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def smooth(seed: int, grey: bool = False) -> np.ndarray:
    """A picture that JPEG keeps nearly as it is, (64, 64, 3) or (64, 64)."""
    y, x = np.mgrid[:64, :64]
    planes = [(x + y * (1 + seed % 2) / 2 + 10 * c + seed).astype(np.uint8) for c in (0, 1, 2)]
    return planes[0] if grey else np.stack(planes, -1)


def members() -> dict[str, bytes]:
    found = {f"{TOP}/wnids.txt": "\n".join(WNIDS).encode(), f"{TOP}/words.txt": b"n00001740\tentity\n"}
    for place, wnid in enumerate(WNIDS):
        found[f"{TOP}/train/{wnid}/{wnid}_boxes.txt"] = b""
        for number in range(COUNTS.per_class):
            grey = (place, number) == (1, 2)
            found[f"{TOP}/train/{wnid}/images/{wnid}_{number}.JPEG"] = jpeg(smooth(10 * place + number, grey))
    lines = [f"val_{number}.JPEG\t{WNIDS[number % 3]}\t0\t32\t44\t62" for number in range(COUNTS.val)]
    found[f"{TOP}/val/val_annotations.txt"] = "\n".join(reversed(lines)).encode() + b"\n"
    for number in range(COUNTS.val):
        found[f"{TOP}/val/images/val_{number}.JPEG"] = jpeg(smooth(50 + number))
    found[f"{TOP}/test/images/test_0.JPEG"] = b"never read"
    return found


def put(root: Path, content: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Archive:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as target:
        for name, body in content.items():
            target.writestr(name, body)
    body = stream.getvalue()
    (root / "tiny-imagenet").mkdir(parents=True, exist_ok=True)
    (root / "tiny-imagenet" / "tiny.zip").write_bytes(body)
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return Archive("tiny-imagenet", "tiny.zip", digest, len(body) + 1000, ("http://127.0.0.1:9/",))


def load(archive: Archive, part: str, root: Path) -> Arrays:
    return load_part(archive, COUNTS, part, root, lambda line: None)


def near(image: np.ndarray, pixels: np.ndarray) -> bool:
    planes = np.broadcast_to(pixels[..., None], (64, 64, 3)) if pixels.ndim == 2 else pixels
    return bool(np.abs(image.transpose(1, 2, 0).astype(int) - planes).max() <= 12)


def test_both_parts(tmp_path: Path) -> None:
    archive = put(tmp_path, members())
    train = load(archive, "train", tmp_path)
    assert train.images.shape == (12, 3, 64, 64)
    assert train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert isinstance(train.images, np.memmap)
    assert not train.images.flags.writeable
    assert not (tmp_path / "tiny-imagenet" / "val.u8").exists()  # A sweep never touches it.
    for label, wnid in enumerate(sorted(WNIDS)):
        for number in range(4):
            place = WNIDS.index(wnid)
            assert near(train.images[4 * label + number], smooth(10 * place + number, (place, number) == (1, 2)))
    test = load(archive, "val", tmp_path)
    assert test.labels.tolist() == [sorted(WNIDS).index(WNIDS[number % 3]) for number in range(5)]
    assert all(near(image, smooth(50 + number)) for number, image in enumerate(test.images))


def test_a_grey_image_has_three_equal_channels() -> None:
    image = decode_jpeg(jpeg(smooth(3, grey=True)), (64, 64), "x")
    assert image.shape == (3, 64, 64)
    assert np.array_equal(image[0], image[1])
    assert np.array_equal(image[0], image[2])


class Counted:
    """Decodes image n to the constant n, and may be interrupted."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.calls: list[int] = []
        self.fail_at = fail_at

    def __call__(self, number: int) -> np.ndarray:
        if number == self.fail_at:
            raise KeyboardInterrupt
        self.calls.append(number)
        return np.full((3, 2, 2), number, np.uint8)


def expected(count: int) -> np.ndarray:
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 3, 2, 2))


def silent(line: str) -> None: ...


def test_decoding_goes_on_after_an_interruption(tmp_path: Path) -> None:
    decoded = Decoded(tmp_path, "train", "ab", (23, 3, 2, 2), piece=5)
    interrupted = Counted(fail_at=12)
    with pytest.raises(KeyboardInterrupt):
        decoded.read_images(interrupted, silent)
    again = Counted()
    assert np.array_equal(decoded.read_images(again, silent), expected(23))
    assert again.calls == list(range(10, 23))  # Whole pieces stay.
    third = Counted()
    assert np.array_equal(decoded.read_images(third, silent), expected(23))
    assert third.calls == []


def test_of_two_at_once_one_decodes_and_the_other_waits(tmp_path: Path) -> None:
    decoded = Decoded(tmp_path, "train", "ab", (23, 3, 2, 2), piece=5)
    begun, go_on = threading.Event(), threading.Event()
    slow, second, said = Counted(), Counted(), []

    def decode(number: int) -> np.ndarray:
        begun.set()
        assert go_on.wait(60)
        return slow(number)

    def tell(line: str) -> None:
        said.append(line)
        go_on.set()

    first = threading.Thread(target=lambda: decoded.read_images(decode, silent))
    first.start()
    assert begun.wait(60)
    assert np.array_equal(decoded.read_images(second, tell), expected(23))
    first.join(60)
    assert slow.calls == list(range(23))
    assert second.calls == []
    assert said == ["train: waiting for another process that decodes these images"]


def test_a_damaged_piece_is_decoded_again(tmp_path: Path) -> None:
    decoded = Decoded(tmp_path, "train", "ab", (23, 3, 2, 2), piece=5)
    decoded.read_images(Counted(), silent)
    body = bytearray(decoded.path.read_bytes())
    body[7 * 12] ^= 1
    decoded.path.write_bytes(bytes(body))
    again = Counted()
    assert np.array_equal(decoded.read_images(again, silent), expected(23))
    assert again.calls == [5, 6, 7, 8, 9]
    decoded.path.write_bytes(bytes(body)[:100])
    assert np.array_equal(decoded.read_images(Counted(), silent), expected(23))
    decoded.path.unlink()
    assert np.array_equal(decoded.read_images(Counted(), silent), expected(23))


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b"nonsense"])
def test_a_damaged_or_foreign_record_costs_only_time(tmp_path: Path, record: bytes) -> None:
    decoded = Decoded(tmp_path, "train", "ab", (7, 3, 2, 2), piece=5)
    decoded.read_images(Counted(), silent)
    (tmp_path / "train.json").write_bytes(record)
    again = Counted()
    assert np.array_equal(decoded.read_images(again, silent), expected(7))
    assert len(again.calls) == 7
    other = Counted()
    Decoded(tmp_path, "train", "cd", (7, 3, 2, 2), piece=5).read_images(other, silent)
    assert len(other.calls) == 7  # From another archive.


def test_progress_is_told_and_sealed(tmp_path: Path) -> None:
    lines: list[str] = []
    Decoded(tmp_path, "train", "ab", (7, 3, 2, 2), piece=5).read_images(Counted(), lines.append)
    assert lines[0] == "train: decoded 0 of 7 images"
    assert lines[-1].startswith("train: decoded all 7 images into ")
    assert len(json.loads((tmp_path / "train.json").read_bytes())["hashes"]) == 2


FIRST = f"{TOP}/train/{WNIDS[0]}/images/{WNIDS[0]}_0.JPEG"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({FIRST: jpeg(np.zeros((65, 64, 3), np.uint8))}, "64 x 65 pixels, not 64 x 64"),
        ({FIRST: b"GIF89a"}, "damaged or not a JPEG"),
        ({FIRST: jpeg(smooth(0))[:300]}, "damaged or not a JPEG"),
        ({FIRST: bytes(2**22)}, "has more than 131072 bytes"),
        ({FIRST: None}, f"lacks {FIRST}"),
        ({f"{TOP}/wnids.txt": b"n02124075\nn01443537\n"}, "2 ids instead of 3"),
        ({f"{TOP}/wnids.txt": b"n02124075\nn01443537\n../../../x\n"}, "is not a WordNet id"),
        ({f"{TOP}/wnids.txt": b"\xff"}, "is no text"),
        ({f"{TOP}/wnids.txt": bytes(2**21)}, "has more than 1048576 bytes"),
        ({f"{TOP}/wnids.txt": None}, "lacks "),
    ],
)
def test_members_are_what_they_should_be(tmp_path: Path, change: dict[str, bytes | None], message: str) -> None:
    content = {**members(), **change}
    archive = put(tmp_path, {name: body for name, body in content.items() if body is not None})
    with pytest.raises(UserError) as caught:
        load(archive, "train", tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_that_is_no_zip_file(tmp_path: Path) -> None:
    archive = put(tmp_path, {})
    body = b"nonsense" * 100
    archive.find_path(tmp_path).write_bytes(body)
    other = Archive("tiny-imagenet", "tiny.zip", hashlib.md5(body, usedforsecurity=False).hexdigest(), 1000, ())
    with pytest.raises(UserError, match="damaged or not a zip file"):
        load(other, "train", tmp_path)


ANNOTATIONS = "\n".join(f"val_{number}.JPEG\t{WNIDS[number % 3]}\t0\t0\t1\t1" for number in range(6))


@given(st.lists(st.tuples(st.integers(0, len(ANNOTATIONS)), st.text(st.characters(max_codepoint=127), max_size=5))))
def test_any_annotations_are_read_or_refused(edits: list[tuple[int, str]]) -> None:
    text = ANNOTATIONS
    for place, piece in edits:
        text = text[:place] + piece + text[place + len(piece) :]
    try:
        labels = parse_annotations(text, sorted(WNIDS), 6, "x")
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both outcomes are allowed.
    else:
        assert len(labels) == 6
        for number, label in enumerate(labels):
            assert f"val_{number}.JPEG\t{sorted(WNIDS)[label]}" in text


@given(st.text(max_size=60) | st.lists(st.sampled_from([*WNIDS, "n1", ""])).map("\n".join))
def test_any_text_is_three_ids_or_refused(text: str) -> None:
    try:
        found = parse_wnids(text, 3, "x")
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert found == sorted({line.strip() for line in text.splitlines()} - {""})


def test_the_data_set_over_it(tmp_path: Path) -> None:
    known = make_tiny_imagenet(put(tmp_path, members()), COUNTS)
    assert (known.train_images, known.classes, known.holdout, known.epochs) == (12, 3, 1, 45)
    assert len(known.load_test(tmp_path).labels) == 5


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_the_published_one_uses_is_unpacked(tmp_path: Path, packing: int) -> None:
    """LZMA's own errors are no one's subclass, and its dictionary may take 4 GiB."""
    archive = put(tmp_path, members(), packing)
    if packing == zipfile.ZIP_STORED:
        assert len(load(archive, "val", tmp_path).labels) == 5
    else:
        with pytest.raises(UserError, match=r"has packed tiny-imagenet-200/wnids.txt in another way than deflate"):
            load(archive, "val", tmp_path)


def test_a_list_of_members_without_end_is_not_read(tmp_path: Path) -> None:
    archive = put(tmp_path, {f"{number}" * 20: b"" for number in range(1_000)})
    body = archive.find_path(tmp_path).read_bytes()
    with pytest.MonkeyPatch.context() as patch, io.BytesIO(body) as file:
        patch.setattr("search.datasets.tiny_imagenet.MAX_DIRECTORY", 2**16)
        with pytest.raises(UnusableFileError, match="lists far more than it should"):
            Members(file)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (
            errno.EROFS,
            "the images are decoded once, into 0.0 GiB: let who may do so, or set INVSEARCH_DATA to a folder",
        ),
        (errno.EACCES, "the images are decoded once"),
        (errno.ENOSPC, "make room for 0.0 GiB"),
    ],
)
def test_only_a_full_disk_is_told_of_free_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(UserError) as caught:
        Decoded(tmp_path, "train", "ab", (7, 3, 2, 2), piece=5).read_images(Counted(), silent)
    assert words in str(caught.value)
    assert os.strerror(number) in str(caught.value)
    assert ("free" in str(caught.value)) == (number == errno.ENOSPC)
