"""Tar files as others would make them: what tarfile writes is read, and nothing else takes long or raises anything."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable

import pytest

from search.datasets.files.tar import BLOCK, read_tar_members
from search.datasets.files.verify import UnusableFileError

FILES = {"d/a.bin": b"a" * 700, "d/b.bin": b"b" * 512}
SIZES = {name: len(body) for name, body in FILES.items()}
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def header(name: str, size: int, kind: bytes = b"0") -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def packed(kind: int = tarfile.USTAR_FORMAT, top: str = "", pax: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind) as tar:
        folder = tarfile.TarInfo(f"{top}d")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, body in FILES.items():
            info = tarfile.TarInfo(top + name)
            info.size, info.pax_headers = len(body), pax or {}
            tar.addfile(info, io.BytesIO(body))
            link = tarfile.TarInfo(f"{top}{name}.link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(link)
            if kind != tarfile.USTAR_FORMAT:
                tar.addfile(tarfile.TarInfo("long/" * 60 + name))
    return stream.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("top", ["", "./"])
def test_what_tarfile_writes_is_read(kind: str, zipped: bool, top: str) -> None:
    pax = {"mtime": "1.5", "comment": "c" * 1000}
    body = packed(FORMATS[kind], top, pax if kind == "pax" else None)
    assert read_tar_members(io.BytesIO(gzip.compress(body) if zipped else body), SIZES, list(FILES)) == FILES


@pytest.mark.parametrize(
    "field", ["size", "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.major", "mtime", "hdrcharset"]
)
@pytest.mark.parametrize("value", ["1e9", "0,6146", "abc", "\0", "-1", "9" * 5000])
def test_no_extended_header_is_followed(field: str, value: str) -> None:
    """Python's tarfile raises ValueError on most of these."""
    assert read_tar_members(io.BytesIO(packed(tarfile.PAX_FORMAT, "", {field: value})), SIZES, list(FILES)) == FILES


MANY = gzip.compress(b"") * 500_000
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "digits that a regular expression takes minutes for": (
        lambda: header("x", 500_000, b"x") + b"1" * 500_000 + bytes(-500_000 % BLOCK) + bytes(2 * BLOCK),
        "lacks d/a.bin, d/b.bin; it begins with 'x'",
    ),
    "headers within headers": (lambda: header("x", 0, b"x") * 2000 + bytes(2 * BLOCK), "lacks d/a.bin"),
    "a size of 8 GiB": (lambda: header("x", 8 * 2**30 - 1), "unpacks to far more"),
    "a size in another notation": (
        lambda: header("x", 0)[:124] + b"\x80" + bytes(11) + header("x", 0)[136:],
        "a header does not match its checksum",
    ),
    "empty members without end": (lambda: MANY, "far larger than what it holds"),
    "no end": (lambda: packed()[: -20 * BLOCK], "ends too early"),
    "no header": (lambda: b"x" * BLOCK, "a header has an invalid number"),
    "nothing": (lambda: b"", "ends too early"),
    "gzip's first bytes": (lambda: b"\x1f\x8b", "ends too early"),
    "damaged gzip": (lambda: gzip.compress(packed())[:-8] + bytes(8), "incorrect data check"),
    "a name that is no text": (lambda: header("x", 0).replace(b"x", b"\xff", 1) + bytes(BLOCK), "checksum"),
}


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_one_reason(name: str) -> None:
    make, words = BAD[name]
    with pytest.raises(UnusableFileError) as caught:
        read_tar_members(io.BytesIO(make()), SIZES, list(FILES))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_gzip_of_several_members_is_one_file() -> None:
    body = packed()
    pieces = b"".join(gzip.compress(body[start : start + 1000]) for start in range(0, len(body), 1000))
    assert read_tar_members(io.BytesIO(pieces + bytes(100)), SIZES, list(FILES)) == FILES
