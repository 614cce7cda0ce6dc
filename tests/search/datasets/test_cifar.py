"""CIFAR's files and archives, made here in the published formats."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import shutil
import tarfile
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.datasets import Dataset, cifar10, cifar100, load_split
from search.datasets.cifar import CIFAR_10, CIFAR_100, OTHERS, Layout, parse_cifar
from search.datasets.files.archive import Archive, Member
from search.datasets.files.tar import HEADERS
from spaces.common.errors import UserError

CLOSED = ("http://127.0.0.1:9/",)


def records(layout: Layout, count: int, seed: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """A file, its images (N, 3, 32, 32) and labels, written out byte by byte as the CIFAR page says."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 3, 32, 32), np.uint8)
    labels = rng.integers(0, layout.classes, count)
    body = b""
    for image, label in zip(images, labels, strict=True):
        body += bytes([7] * (layout.label_bytes - 1) + [label])
        for plane in image:  # Red, green, blue.
            for row in plane:
                body += bytes(row.tolist())
    return body, images, labels


def tar_of(members: dict[str, bytes], extra: list[tarfile.TarInfo] | None = None) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        for info in extra or []:
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return stream.getvalue()


def archive_of(name: str, body: bytes) -> Archive:
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return Archive(name, f"{name}.tar.gz", digest, len(body) + 1000, CLOSED)


TEN = {name: records(CIFAR_10, 20, seed) for seed, name in enumerate((*cifar10.TRAIN, *cifar10.TEST))}
HUNDRED = {cifar100.TRAIN: records(CIFAR_100, 60, 10), cifar100.TEST: records(CIFAR_100, 20, 11)}
READ_ME = {"cifar-10-batches-bin/readme.html": b"<a>", "cifar-10-batches-bin/batches.meta.txt": b"airplane\n"}
TEN_BODY = tar_of({**READ_ME, **{name: body for name, (body, _, _) in TEN.items()}})
HUNDRED_BODY = tar_of({name: body for name, (body, _, _) in HUNDRED.items()})


def with_members(archive: Archive, files: dict[str, tuple[bytes, np.ndarray, np.ndarray]]) -> Archive:
    """The archive, of whose members the hashes are known too."""
    members = {name: Member(len(body), hashlib.sha1(body).hexdigest()) for name, (body, _, _) in files.items()}
    return replace(archive, members=members, others=OTHERS)


def put(root: Path, archive: Archive, body: bytes) -> Path:
    (root / archive.name).mkdir(parents=True, exist_ok=True)
    (root / archive.name / archive.file).write_bytes(body)
    return root


def ten(body: bytes = TEN_BODY) -> Dataset:
    return cifar10.cifar10(with_members(archive_of("cifar10", body), TEN))


def test_cifar10(tmp_path: Path) -> None:
    known = ten()
    assert known.archive
    train, test = (load(put(tmp_path, known.archive, TEN_BODY)) for load in (known.load_train, known.load_test))
    assert np.array_equal(train.images, np.concatenate([TEN[name][1] for name in cifar10.TRAIN]))
    assert np.array_equal(train.labels, np.concatenate([TEN[name][2] for name in cifar10.TRAIN]))
    assert np.array_equal(test.images, TEN[cifar10.TEST[0]][1])
    assert sorted(path.name for path in (tmp_path / "cifar10").iterdir()) == ["cifar10.tar.gz"]  # Nothing is unpacked.


def test_cifar100_has_the_fine_labels(tmp_path: Path) -> None:
    known = cifar100.cifar100(with_members(archive_of("cifar100", HUNDRED_BODY), HUNDRED))
    assert known.archive
    train, test = (load(put(tmp_path, known.archive, HUNDRED_BODY)) for load in (known.load_train, known.load_test))
    for part, name in ((train, cifar100.TRAIN), (test, cifar100.TEST)):
        assert np.array_equal(part.images, HUNDRED[name][1])
        assert np.array_equal(part.labels, HUNDRED[name][2])


def test_a_split_keeps_bytes_and_says_how_to_normalise_them(tmp_path: Path) -> None:
    known = ten()
    assert known.archive
    split = load_split(known, "sweep", 3, put(tmp_path, known.archive, TEN_BODY))
    assert (split.train_x.dtype, split.eval_x.dtype) == (np.uint8, np.uint8)
    assert (len(split.train_y), len(split.eval_y), split.classes) == (90, 10, 10)
    assert split.scaling is not None
    assert split.scaling.mean == (0.4914, 0.4822, 0.4465)
    assert split.scaling.std == (0.2470, 0.2435, 0.2616)


@given(st.binary(max_size=200), st.integers(0, 3), st.sampled_from([CIFAR_10, CIFAR_100]), st.data())
def test_any_bytes_are_records_or_refused(tail: bytes, whole: int, layout: Layout, data: st.DataObject) -> None:
    body = bytearray(records(layout, whole, 1)[0] + tail) if whole else bytearray(tail)
    if body:
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] = data.draw(st.integers(0, 255))
    count = len(body) / layout.record
    try:
        found = parse_cifar(bytes(body), layout, "x.bin")
    except UserError as error:
        assert str(error).startswith("x.bin: ")  # noqa: PT017 - both outcomes are allowed.
        labels = [body[i + layout.label_bytes - 1] for i in range(0, len(body) - layout.record + 1, layout.record)]
        assert count != int(count) or not count or max(labels) >= layout.classes
    else:
        assert len(found.labels) == count
        assert found.labels.max() < layout.classes
        again = b"".join(
            bytes(body[i * layout.record : i * layout.record + layout.label_bytes]) + image.tobytes()
            for i, image in enumerate(found.images)
        )
        assert again == bytes(body)


def refusal(tmp_path: Path, body: bytes) -> str:
    """Of an archive whose MD5 is right and whose content is not."""
    known = ten(body)
    assert known.archive
    with pytest.raises(UserError) as caught:
        known.load_train(put(tmp_path, known.archive, body))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_members_are_what_they_should_be(tmp_path: Path) -> None:
    files = {name: body for name, (body, _, _) in TEN.items()}
    first = cifar10.TRAIN[0]
    assert f"lacks {first}" in refusal(tmp_path, tar_of({n: b for n, b in files.items() if n != first}))
    moved = {(f"../{name}" if name == first else name): body for name, body in files.items()}
    assert f"lacks {first}" in refusal(tmp_path, tar_of(moved))
    assert not (tmp_path.parent / first).exists()
    assert "bytes long" in refusal(tmp_path, tar_of({**files, first: b"short"}))
    link = tarfile.TarInfo(first)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    assert "not a regular file" in refusal(tmp_path, tar_of({n: b for n, b in files.items() if n != first}, [link]))
    again = tarfile.TarInfo(first)
    again.size = len(files[first])
    assert "twice" in refusal(tmp_path, tar_of(files, [again]))
    assert "damaged or not a tar file" in refusal(tmp_path, TEN_BODY[: len(TEN_BODY) // 2])
    assert "damaged or not a tar file" in refusal(tmp_path, b"nonsense")
    assert "damaged or not a tar file" in refusal(tmp_path, gzip.compress(b"nonsense" * 1000))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = tarfile.TarInfo("cifar-10-batches-bin/readme.html")
    bomb.size = 100 * HEADERS
    body = tar_of({}, [bomb])
    tracemalloc.start()
    try:
        assert "far more than it should" in refusal(tmp_path, body)
        assert tracemalloc.get_traced_memory()[1] < 10 * HEADERS
    finally:
        tracemalloc.stop()


def test_download(tmp_path: Path, serve) -> None:
    known = ten()
    assert known.archive
    archive = known.archive
    bad, good = serve({f"/{archive.file}": b"other"}), serve({f"/{archive.file}": TEN_BODY})
    lines: list[str] = []
    folder = archive.fetch(tmp_path, [bad.url, good.url], lines.append)
    assert folder == tmp_path / "cifar10"
    assert (folder / "cifar10.tar.gz").read_bytes() == TEN_BODY
    assert len(lines) == 2
    assert archive.fetch(tmp_path, [good.url]) == folder
    assert len(good.asked) == 1  # There already.


def test_without_a_network(tmp_path: Path) -> None:
    known = ten()
    with pytest.raises(UserError) as caught:
        known.load_train(tmp_path)
    message = str(caught.value)
    assert message.startswith("cifar10: could not download cifar10.tar.gz (http://127.0.0.1:9/ ")
    assert "by hand, from http://127.0.0.1:9/cifar10.tar.gz, and run 'invsearch data cifar10 --from FILE'" in message
    assert "\n" not in message


def test_a_mirror_that_sends_too_much(tmp_path: Path, serve) -> None:
    archive = archive_of("cifar10", TEN_BODY)
    endless = serve({f"/{archive.file}": TEN_BODY + bytes(2000)})
    with pytest.raises(UserError, match="far larger"):
        archive.fetch(tmp_path, [endless.url])
    assert not (tmp_path / "cifar10").exists()


@pytest.mark.parametrize("below", ["", "cifar10", "cifar10/renamed.tgz"])
def test_import(tmp_path: Path, below: str) -> None:
    archive = archive_of("cifar10", TEN_BODY)
    if below.endswith("tgz"):
        (tmp_path / "downloads" / "cifar10").mkdir(parents=True)
        (tmp_path / "downloads" / below).write_bytes(TEN_BODY)
        source = tmp_path / "downloads" / below
    else:
        (tmp_path / "downloads" / below).mkdir(parents=True)
        (tmp_path / "downloads" / below / archive.file).write_bytes(TEN_BODY)
        source = tmp_path / "downloads"
    assert (archive.import_from(source, tmp_path / "cache") / archive.file).read_bytes() == TEN_BODY


def test_a_bad_import_changes_nothing(tmp_path: Path) -> None:
    archive = archive_of("cifar10", TEN_BODY)
    (tmp_path / "bad.tar.gz").write_bytes(TEN_BODY[:-1] + b"x")
    with pytest.raises(UserError, match=r"bad.tar.gz is truncated, damaged or not cifar10.tar.gz: its MD5 is"):
        archive.import_from(tmp_path / "bad.tar.gz", put(tmp_path, archive, TEN_BODY))
    assert archive.find_path(tmp_path).read_bytes() == TEN_BODY
    os.mkfifo(tmp_path / "pipe")
    for source, message in ((tmp_path / "nowhere", "no such file"), (tmp_path / "pipe", "not a regular file")):
        with pytest.raises(UserError, match=message):
            archive.import_from(source, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty lacks the file cifar10.tar.gz; put the archive there"):
        archive.import_from(tmp_path / "empty", tmp_path)


def test_a_full_disk_is_not_blamed_on_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_of("cifar10", TEN_BODY)
    (tmp_path / "good.tar.gz").write_bytes(TEN_BODY)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(UserError) as error:
        archive.import_from(tmp_path / "good.tar.gz", tmp_path / "cache")
    assert "cache/cifar10: cannot be written (No space left on device); set INVSEARCH_DATA" in str(error.value)


def test_a_damaged_cache_says_what_to_do(tmp_path: Path) -> None:
    known = ten()
    assert known.archive
    with pytest.raises(UserError, match=r"delete it and run 'invsearch data cifar10', or bring in a good one"):
        known.load_test(put(tmp_path, known.archive, b"damaged"))


def unpack(folder: Path, body: bytes = TEN_BODY) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        tar.extractall(folder, filter="data")


FORMS: dict[str, Callable[[Path], object]] = {
    "published": lambda folder: (folder / "cifar10.tar.gz").write_bytes(TEN_BODY),
    "Safari": lambda folder: (folder / "cifar10.tar").write_bytes(gzip.decompress(TEN_BODY)),
    "raw under .gz": lambda folder: (folder / "cifar10.tar.gz").write_bytes(gzip.decompress(TEN_BODY)),
    "recompressed": lambda folder: (folder / "cifar10.tar.gz").write_bytes(gzip.compress(gzip.decompress(TEN_BODY), 1)),
    "unpacked": unpack,
    "damaged beside unpacked": lambda folder: (
        (folder / "cifar10.tar.gz").write_bytes(TEN_BODY[:-99]) and unpack(folder)
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["data folder", "its cifar10", "imported", "imported from what it is in"])
def test_forms_whose_members_can_be_verified(tmp_path: Path, form: str, place: str) -> None:
    archive = with_members(archive_of("cifar10", TEN_BODY), TEN)
    known = cifar10.cifar10(archive)
    folder = tmp_path / "cifar10" if place == "its cifar10" else tmp_path
    folder.mkdir(exist_ok=True)
    FORMS[form](folder)
    root = tmp_path
    if place.startswith("imported"):
        root = tmp_path / "cache"
        inside = place.endswith("in") and form == "unpacked"
        made = archive.import_from(folder / "cifar-10-batches-bin" if inside else folder, root)
        assert made == root / "cifar10"
        assert len(archive.find_forms(root)) == 1
        assert archive.check(root) == made
    train, test = known.load_train(root), known.load_test(root)
    assert np.array_equal(train.images, np.concatenate([TEN[name][1] for name in cifar10.TRAIN]))
    assert np.array_equal(test.labels, TEN[cifar10.TEST[0]][2])


def test_an_unpacked_folder_is_verified(tmp_path: Path) -> None:
    archive = with_members(archive_of("cifar10", TEN_BODY), TEN)
    known = cifar10.cifar10(archive)
    unpack(tmp_path)
    first = tmp_path / cifar10.TRAIN[0]
    good = first.read_bytes()
    for body, words in (
        (good[:-1] + bytes([good[-1] ^ 1]), "data_batch_1.bin is damaged, its SHA-1 is another one"),
        (good[:-1], "data_batch_1.bin is damaged"),
        (good + b"x", "data_batch_1.bin is far larger"),
    ):
        first.write_bytes(body)
        with pytest.raises(UserError) as caught:
            known.load_train(tmp_path)
        assert words in str(caught.value)
        assert "run 'invsearch data cifar10'" in str(caught.value)
        with pytest.raises(UserError, match="nothing was imported"):
            archive.import_from(tmp_path, tmp_path / "cache")
        known.load_test(tmp_path)
    first.unlink()
    with pytest.raises(UserError, match=r"data_batch_1\.bin cannot be read"):
        known.load_train(tmp_path)
    assert not (tmp_path / "cache" / "cifar10").exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("cifar-10-batches-py", "CIFAR-10 for Python"),
        ("cifar-10-batches-mat", "CIFAR-10 for Matlab"),
        ("cifar-100-python", "CIFAR-100 for Python"),
        ("cifar-100-binary", "CIFAR-100 in binary"),
    ],
)
def test_another_archive_is_called_what_it_is(tmp_path: Path, zipped: bool, folder: str, what: str) -> None:
    archive = with_members(archive_of("cifar10", TEN_BODY), TEN)
    body = tar_of({f"{folder}/data_batch_4": b"x"})
    (tmp_path / "other.tar.gz").write_bytes(body if zipped else gzip.decompress(body))
    with pytest.raises(UserError, match=rf"other.tar.gz is {what}, not cifar10.tar.gz; nothing was imported"):
        archive.import_from(tmp_path / "other.tar.gz", tmp_path / "cache")
    unpack(tmp_path, body)
    for source in (tmp_path, tmp_path / folder):
        with pytest.raises(UserError, match=rf"lacks the file cifar10.tar.gz \(what it has is {what}\)"):
            archive.import_from(source, tmp_path / "cache")


def test_what_lacks_the_files_is_not_called_by_the_name_of_what_it_should_be(tmp_path: Path) -> None:
    archive = with_members(archive_of("cifar10", TEN_BODY), TEN)
    (tmp_path / "some.tar.gz").write_bytes(tar_of({f"{archive.unpacked}/readme.html": b"x"}))
    with pytest.raises(
        UserError, match=rf"lacks {archive.unpacked}/data_batch_1.bin, .* begins with '{archive.unpacked}/re"
    ):
        archive.import_from(tmp_path / "some.tar.gz", tmp_path / "cache")
    (tmp_path / "none.tar.gz").write_bytes(tar_of({}))
    with pytest.raises(UserError, match=r"test_batch.bin; it is empty; nothing was imported"):
        archive.import_from(tmp_path / "none.tar.gz", tmp_path / "cache")
    (tmp_path / archive.unpacked).mkdir()
    for source in (tmp_path, tmp_path / archive.unpacked):
        with pytest.raises(UserError, match=r"lacks the file cifar10.tar.gz; put the archive there"):
            archive.import_from(source, tmp_path / "cache")
    with pytest.raises(UserError, match=r"/dev/null: not a regular file; give cifar10.tar.gz"):
        archive.import_from(Path("/dev/null"), tmp_path / "cache")


def test_another_archive_is_known_by_its_published_md5(tmp_path: Path) -> None:
    """The MD5s of https://www.cs.toronto.edu/~kriz/cifar.html."""
    assert OTHERS["c58f30108f718f92721af3b95e74349a"] == "CIFAR-10 for Python"
    assert OTHERS["eb9058c3a382ffc7106e4002c42a8d85"] == "CIFAR-100 for Python"
    body = b"of another size"
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    archive = replace(with_members(archive_of("cifar10", TEN_BODY), TEN), others={md5: "something else"})
    (tmp_path / "x").write_bytes(body)
    with pytest.raises(UserError, match=r"x is something else, not cifar10.tar.gz"):
        archive.import_from(tmp_path / "x", tmp_path / "cache")


def test_nobody_is_told_to_delete_what_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = ten()
    assert known.archive
    put(tmp_path, known.archive, TEN_BODY)

    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("search.datasets.files.verify.open_regular", denied)
    with pytest.raises(UserError) as caught:
        known.load_train(tmp_path)
    assert "cannot be read (Permission denied); have its owner make it readable" in str(caught.value)
    assert "delete it" not in str(caught.value)
