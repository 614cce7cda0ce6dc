"""Inputs for the readers of data files: archives, gzip and IDX files, images, pickles and data of one's own."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import random
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from search.datasets.cifar import OTHERS
from search.datasets.cifar10 import TEST, TRAIN, cifar10
from search.datasets.files.archive import Archive, Member
from search.datasets.files.decoded import decode_jpeg
from search.datasets.files.store import DataFile, Store
from search.datasets.folder import import_folder, make_folder_dataset
from search.datasets.mnist import parse_idx
from search.datasets.own import OPENERS
from search.datasets.own.reference import Reference
from search.datasets.tiny_imagenet import SIZE, TOP, Counts, load_part
from tests.fuzz.mutate import mutated

RECORD, PER_FILE, BLOCK = 3073, 2, 512
FILES = {name: bytes([number % 10] * RECORD * PER_FILE) for number, name in enumerate((*TRAIN, *TEST))}
MEMBERS = {name: Member(len(body), hashlib.sha1(body).hexdigest()) for name, body in FILES.items()}
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
PAX = ("mtime", "size", "path", "hdrcharset", "GNU.sparse.map", "GNU.sparse.major", "GNU.sparse.minor", "comment")
IDX = b"\0\0\x08\x03\0\0\0\x02\0\0\0\x03\0\0\0\x03" + bytes(range(18))


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def tar(chooser: random.Random) -> bytes:
    """A damaged tar file; its headers have the right checksums mostly, so that they are looked into."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=chooser.choice(FORMATS)) as packed:
        for name, body in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            if chooser.random() < 0.3:
                info.pax_headers = {chooser.choice(PAX): chooser.choice(("1e9", "0,6146", "abc", "-1", "1" * 2000, ""))}
            packed.addfile(info, io.BytesIO(body))
    content = bytearray(stream.getvalue())
    headers = [at for at in range(0, len(content), BLOCK) if content[at + 257 : at + 262] == b"ustar"]
    for at in chooser.sample(headers, chooser.randint(0, 2)):
        field, length = chooser.choice(((0, 100), (100, 8), (124, 12), (156, 1), (157, 100), (257, 8), (345, 155)))
        content[at + field : at + field + length] = mutated(bytes(content[at + field : at + field + length]), chooser)[
            :length
        ].ljust(length, b"\0")
    if chooser.random() < 0.5:
        content = bytearray(mutated(bytes(content), chooser))
    if chooser.random() < 0.8:
        for at in range(0, len(content) - BLOCK + 1, BLOCK):
            if content[at + 257 : at + 262] == b"ustar":
                total = sum(content[at : at + 148]) + 256 + sum(content[at + 156 : at + BLOCK])
                content[at + 148 : at + 156] = b"%06o\0 " % total
    return bytes(content)


def cifar(chooser: random.Random, folder: Path) -> None:
    """An archive whose own hash is right, or only its members' can be, in one of its forms."""
    body = tar(chooser)
    zipped = chooser.random() < 0.7
    if zipped:
        body = gzip.compress(body, 1, mtime=0)
        if chooser.random() < 0.3:
            body = mutated(body, chooser)
    right = chooser.random() < 0.7
    archive = Archive("cifar10", "c.tar.gz", md5(body) if right else "0" * 32, 10**6, (), MEMBERS, OTHERS)
    if chooser.random() < 0.2:
        (folder / "any").write_bytes(body)
        archive.import_from(folder / "any", folder)
    else:
        (folder / ("c.tar.gz" if right or zipped else "c.tar")).write_bytes(body)
    known = cifar10(archive)
    for part in (known.load_train(folder), known.load_test(folder)):
        assert part.images.shape[1:] == (3, 32, 32)


@cache
def jpeg(mode: str, progressive: bool) -> bytes:
    stream = io.BytesIO()
    pixels = np.add.outer(np.arange(SIZE), np.arange(SIZE)).astype(np.uint8)
    picture = Image.fromarray(pixels).convert(mode)
    exif = Image.Exif()
    exif[0x0132] = "2026:01:01 00:00:00"
    picture.save(stream, "JPEG", progressive=progressive, exif=exif, dpi=(72, 72))
    return stream.getvalue()


def image(chooser: random.Random, folder: Path) -> None:
    body = mutated(jpeg(chooser.choice(("L", "RGB", "CMYK")), chooser.random() < 0.5), chooser)
    (folder / "x.jpeg").write_bytes(body)
    assert decode_jpeg(body, (SIZE, SIZE), "x.jpeg").shape == (3, SIZE, SIZE)


def tiny(chooser: random.Random, folder: Path) -> None:
    """A zip file whose hash is right."""
    wnid, stream = "n01443537", io.BytesIO()
    packing = chooser.choice((zipfile.ZIP_DEFLATED,) * 4 + (zipfile.ZIP_STORED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
    texts = {
        f"{TOP}/wnids.txt": b"n01443537\nn02124075\n",
        f"{TOP}/val/val_annotations.txt": f"val_0.JPEG\t{wnid}\t0\t0\t1\t1\n".encode(),
    }
    with zipfile.ZipFile(stream, "w", packing) as packed:
        for name, text in texts.items():
            packed.writestr(name, mutated(text, chooser) if chooser.random() < 0.2 else text)
        packed.writestr(f"{TOP}/val/images/val_0.JPEG", jpeg("RGB", False))
    body = mutated(stream.getvalue(), chooser) if chooser.random() < 0.9 else stream.getvalue()
    archive = Archive("tiny-imagenet", "t.zip", md5(body), 10**6, ())
    (folder / "t.zip").write_bytes(body)
    found = load_part(archive, Counts(2, 1, 1), "val", folder, lambda line: None)
    assert found.images.shape == (1, 3, SIZE, SIZE)


def gzipped(chooser: random.Random, folder: Path) -> None:
    """A published file, perhaps in several forms at once."""
    file = DataFile("train-images-idx3-ubyte", hashlib.sha256(IDX).hexdigest(), len(IDX))
    store = Store("mnist", (file,), ())
    for spelling in chooser.sample(file.spellings, chooser.randint(1, 3)):
        body = gzip.compress(IDX, mtime=0) if chooser.random() < 0.7 else IDX
        path = folder / chooser.choice(store.places) / spelling
        with suppress(OSError):  # Where one has a file another may want a folder.
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mutated(body, chooser))
    if chooser.random() < 0.3:
        store.import_from(folder, folder / "cache")
    assert store.read_cached(file, folder) == IDX


def idx(chooser: random.Random, folder: Path) -> None:
    body = mutated(IDX, chooser)
    (folder / "idx").write_bytes(body)
    assert parse_idx(body, 3, "idx").nbytes == len(body) - 16


def own(chooser: random.Random, folder: Path) -> None:
    """A folder in CIFAR-10's binary layout."""
    top = folder / "mine"
    top.mkdir()
    records = [bytes([label]) + bytes(RECORD - 1) for label in (0, 1, 2)]
    texts = {"data_batch_1.bin": b"".join(records), "data_batch_2.bin": records[1], "test_batch.bin": records[2]}
    texts["batches.meta.txt"] = b"cat\ndog\nfox\n"
    for name, body in texts.items():
        if chooser.random() < 0.9:
            (top / name).write_bytes(mutated(body, chooser) if chooser.random() < 0.4 else body)
    if chooser.random() < 0.3:
        import_folder("folder-other", top, folder)
    known = make_folder_dataset("folder-mine", folder)
    known.load_train(None)
    known.load_test(None)
    assert known.data_hash
    assert 2 <= known.classes <= 256


def read(reference: Reference) -> None:
    """Data of one's own, all of them, into nothing."""
    parts = OPENERS[reference.kind](reference).read()
    for part in (parts.train, parts.test):
        assert sum(len(piece) for piece in part.pieces) == part.shape[0] == len(part.labels)
        assert set(np.unique(part.labels)) <= set(range(parts.classes))


def npz(chooser: random.Random, folder: Path) -> None:
    shape, labels = chooser.choice(((4, 5, 6), (4, 3, 5, 6), (4, 5, 6, 1))), np.arange(4) % 2
    arrays: list[tuple[str, np.ndarray]] = [("x_train", np.zeros(shape, np.uint8)), ("y_train", labels)]
    arrays += [
        ("x_test", np.zeros(shape, np.uint8)),
        ("y_test", labels.astype(chooser.choice(("u1", "i8", "f4", "O")))),
    ]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", chooser.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as packed:
        for name, array in arrays:
            body = io.BytesIO()
            np.save(body, array)
            content = mutated(body.getvalue(), chooser) if chooser.random() < 0.2 else body.getvalue()
            packed.writestr(zipfile.ZipInfo(f"{name}.npy"), content)
    body = stream.getvalue()
    (folder / "x.npz").write_bytes(mutated(body, chooser) if chooser.random() < 0.5 else body)
    read(Reference("npz", folder / "x.npz"))


def pictures(chooser: random.Random, folder: Path) -> None:
    """A folder of images, of which some are damaged."""
    for name in ("train/cat", "train/dog", "test/dog"):
        (folder / name).mkdir(parents=True)
        for number in range(2):
            stream, form = io.BytesIO(), chooser.choice(("PNG", "JPEG", "WEBP", "GIF"))
            Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6)).save(stream, form)
            content = mutated(stream.getvalue(), chooser) if chooser.random() < 0.2 else stream.getvalue()
            (folder / name / f"{number}.{chooser.choice(('png', 'jpg', 'txt', 'WebP'))}").write_bytes(content)
    read(Reference("images", folder, resize=chooser.choice((None, (3, 4)))))


def batches(chooser: random.Random, folder: Path) -> None:
    """CIFAR-100's pickles."""
    for name in ("train", "test"):
        content = {"data": np.zeros((2, RECORD - 1), np.uint8), "fine_labels": [0, 1], "filenames": ["a", b"b"]}
        body = pickle.dumps(content, chooser.randint(0, 4))
        (folder / name).write_bytes(mutated(body, chooser) if chooser.random() < 0.7 else body)
    read(Reference("torchvision", folder))


KINDS: tuple[Callable[[random.Random, Path], None], ...] = (
    *(cifar, cifar, cifar, tiny, tiny, image, gzipped, idx, own),
    *(npz, npz, pictures, batches, batches),
)


def attempt(chooser: random.Random, folder: Path) -> None:
    """Makes an input and reads it."""
    chooser.choice(KINDS)(chooser, folder)
