import gzip
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.datasets.files.verify import SLACK, UnusableFileError, read_content_of
from spaces.common.errors import UserError

NAME = "train-images-idx3-ubyte"


@pytest.mark.parametrize("form", ["{}.gz", "{}"])
def test_gzipped_and_raw_give_the_same_bytes(fake, tmp_path: Path, form: str) -> None:
    fake.write(tmp_path, form=form)
    for file in fake.store.files:
        assert fake.store.read_cached(file, tmp_path) == fake.content[file.name]


def test_raw_content_behind_a_gz_name(fake, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.gz").write_bytes(fake.content[NAME])
    assert fake.store.read_cached(fake.store.files[0], tmp_path) == fake.content[NAME]


def refusal(fake, folder: Path, body: bytes, name: str = f"{NAME}.gz") -> str:
    (folder / name).write_bytes(body)
    with pytest.raises(UserError) as caught:
        fake.store.read_cached(fake.store.files[0], folder)
    message = str(caught.value)
    assert message.startswith(str(folder / name))
    assert "invsearch data mnist --from DIR" in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("other", ["train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_swapped_files_are_named(fake, tmp_path: Path, other: str) -> None:
    assert f"holds the content of {other}" in refusal(fake, tmp_path, gzip.compress(fake.content[other]))
    assert f"holds the content of {other}" in refusal(fake, tmp_path, fake.content[other])


def test_damaged_gzip(fake, tmp_path: Path) -> None:
    zipped = gzip.compress(fake.content[NAME])
    assert "damaged or not a gzip file" in refusal(fake, tmp_path, zipped[: len(zipped) // 2])
    assert "damaged or not a gzip file" in refusal(fake, tmp_path, zipped[:-8] + bytes(8))  # Wrong checksum.
    assert "damaged or not a gzip file" in refusal(fake, tmp_path, zipped[:100] + bytes(50) + zipped[150:])
    assert "damaged or not a gzip file" in refusal(fake, tmp_path, b"\x1f\x8b")


def test_other_content(fake, tmp_path: Path) -> None:
    body = fake.content[NAME]
    assert f"{len(body) - 9} bytes instead of {len(body)}" in refusal(fake, tmp_path, body[:-9])
    assert f"more than its {len(body)} bytes" in refusal(fake, tmp_path, body + b"\0")
    assert "another data set" in refusal(fake, tmp_path, body[:-1] + bytes([body[-1] ^ 1]))
    assert "0 bytes instead" in refusal(fake, tmp_path, b"")


def test_gzip_bomb_is_not_unpacked(fake, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(100_000_000), 9)
    tracemalloc.start()
    try:
        message = refusal(fake, tmp_path, bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "more than its" in message
    assert peak < 5_000_000


def test_a_gzip_header_without_an_end_is_not_read(fake, tmp_path: Path) -> None:
    """Its name, which ends at the first zero byte, could be as long as the disk; so could empty members."""
    limit = max(file.size for file in fake.store.files) + SLACK + 2
    assert "far larger" in refusal(fake, tmp_path, b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * limit)
    assert "far larger" in refusal(fake, tmp_path, gzip.compress(b"") * limit)


def test_only_a_regular_file_is_read(fake, tmp_path: Path) -> None:
    file = fake.store.files[0]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(UnusableFileError, match="not a regular file"):
            fake.store.read_content(file, tmp_path / name)


EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=40)), min_size=1, max_size=4)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | EDITS, st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\x1c"]))
def test_any_bytes_are_the_published_ones_or_refused(fake, tmp_path: Path, change, head: bytes) -> None:
    path, body = tmp_path / "any", head
    if isinstance(change, bytes):
        body += change
    else:  # A good file with pieces cut out and others put in.
        body = gzip.compress(fake.content["t10k-labels-idx1-ubyte"])
        for place, length, piece in change:
            start = int(place * len(body))
            body = body[:start] + piece + body[start + length :]
    path.write_bytes(body)
    try:
        content = fake.store.read_content(fake.store.files[3], path)
    except UnusableFileError as reason:
        assert "\n" not in str(reason)  # noqa: PT017 - both outcomes are allowed.
    else:
        assert content == fake.content["t10k-labels-idx1-ubyte"]


def test_missing_file(fake, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{NAME} is missing; run 'invsearch data mnist'"):
        fake.store.read_cached(fake.store.files[0], tmp_path)


@pytest.mark.parametrize("bad", [b"", b"short", b"\x1f\x8bbad"])
def test_a_damaged_file_hides_no_good_one(fake, tmp_path: Path, bad: bytes) -> None:
    fake.write(tmp_path / "mnist")
    (tmp_path / "mnist" / NAME).write_bytes(bad)  # Before the good NAME.gz.
    assert fake.store.read_cached(fake.store.files[0], tmp_path) == fake.content[NAME]
    (tmp_path / "mnist" / f"{NAME}.gz").unlink()
    with pytest.raises(UserError, match=f"mnist/{NAME} is truncated"):
        fake.store.read_cached(fake.store.files[0], tmp_path)
    fake.write(tmp_path / "MNIST" / "raw", NAME)
    assert fake.store.read_cached(fake.store.files[0], tmp_path) == fake.content[NAME]


def test_nobody_is_told_to_delete_what_may_not_be_read(fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.write(tmp_path)

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("search.datasets.files.verify.open_regular", denied)
    with pytest.raises(UserError) as caught:
        fake.store.read_cached(fake.store.files[0], tmp_path)
    assert "cannot be read (Permission denied); have its owner make it readable" in str(caught.value)
    assert "delete it" not in str(caught.value)


def test_time_is_bounded_by_what_is_read(fake, tmp_path: Path) -> None:
    """Python's own reader goes through all empty members before it gives a byte."""
    body = gzip.compress(b"") * 100_000 + gzip.compress(fake.content[NAME])
    with (tmp_path / "x").open("w+b") as file:
        file.write(body)
        file.seek(0)
        with pytest.raises(UnusableFileError, match="far larger than what it holds"):
            read_content_of(file).read(10)
        assert file.tell() < 10 * SLACK < len(body)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(0, 9), st.binary(max_size=3))
def test_content_is_what_gzip_says(pieces: list[bytes], level: int, tail: bytes) -> None:
    zipped = b"".join(gzip.compress(piece, level) for piece in pieces) + bytes(len(tail))
    assert read_content_of(io.BytesIO(zipped)).read() == gzip.decompress(zipped)
