import gzip
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from search.datasets.files import download
from search.datasets.files.cache import remove_abandoned, writing_in
from search.storage.file_lock import Lock
from spaces.common.errors import UserError

NAME = "train-images-idx3-ubyte"


def files_below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def refused(fake, root: Path, *mirrors: str) -> str:
    with pytest.raises(UserError) as caught:
        fake.store.fetch(root, mirrors=mirrors)
    message = str(caught.value)
    assert "\n" not in message
    assert "invsearch data mnist --from DIR" in message
    assert all(f"{file.name}.gz" in message for file in fake.store.files)
    assert fake.store.mirrors[0] in message
    assert not any(path.name.startswith(".partial") for path in root.rglob("*"))
    assert all(any(path.iterdir()) for path in root.rglob("*") if path.is_dir())  # No empty folder stays.
    return message


def test_all_four_and_nothing_else(fake, good, tmp_path: Path) -> None:
    lines: list[str] = []
    assert fake.store.fetch(tmp_path, mirrors=[good.url], say=lines.append) == tmp_path / "mnist"
    assert files_below(tmp_path) == {f"mnist/{name}": body for name, body in fake.content.items()}
    assert [path.name for path in tmp_path.iterdir()] == ["mnist"]
    assert lines == [f"downloading {good.url}{name}.gz" for name in fake.content]


def test_only_what_is_missing_and_wanted(fake, good, tmp_path: Path) -> None:
    fake.write(tmp_path / "mnist", NAME)
    train = fake.store.files[:2]
    fake.store.fetch(tmp_path, files=train, mirrors=[good.url.rstrip("/")])
    assert good.asked == ["/train-labels-idx1-ubyte.gz"]
    fake.store.fetch(tmp_path, files=train, mirrors=[good.url])
    assert good.asked == ["/train-labels-idx1-ubyte.gz"]


def test_a_complete_folder_is_not_written(fake, tmp_path: Path) -> None:
    fake.write(tmp_path)
    before = tmp_path.stat().st_mtime_ns
    assert fake.store.fetch(tmp_path) == tmp_path
    assert tmp_path.stat().st_mtime_ns == before


def test_missing_files_join_those_in_the_root_itself(fake, good, tmp_path: Path) -> None:
    fake.write(tmp_path, NAME)
    assert fake.store.fetch(tmp_path, mirrors=[good.url]) == tmp_path
    assert not fake.store.find_missing(fake.store.find_folder(tmp_path))


def test_body_that_the_server_compresses_for_transport(fake, good, tmp_path: Path) -> None:
    good.headers["Content-Encoding"] = "gzip"  # requests then unpacks it: the content comes raw.
    fake.store.fetch(tmp_path, mirrors=[good.url])
    assert files_below(tmp_path)[f"mnist/{NAME}"] == fake.content[NAME]


def test_404_falls_back_to_the_next_mirror(fake, good, serve, tmp_path: Path) -> None:
    half = serve({f"/{NAME}.gz": good.bodies[f"/{NAME}.gz"]})
    fake.store.fetch(tmp_path, mirrors=[half.url, good.url])
    assert len(half.asked) == 4
    assert f"/{NAME}.gz" not in good.asked
    assert set(files_below(tmp_path / "mnist")) == set(fake.content)


def test_404_everywhere(fake, serve, tmp_path: Path) -> None:
    assert "answers 404" in refused(fake, tmp_path, serve({}).url)
    assert not files_below(tmp_path)


def test_wrong_content_is_never_cached(fake, good, serve, tmp_path: Path) -> None:
    swapped = serve(dict(zip(good.bodies, reversed(good.bodies.values()), strict=True)))
    assert "holds the content of t10k-labels-idx1-ubyte" in refused(fake, tmp_path, swapped.url)
    login = serve(dict.fromkeys(good.bodies, b"<html>please log in</html>"))
    assert "is truncated or not" in refused(fake, tmp_path, login.url)
    assert not files_below(tmp_path)
    fake.store.fetch(tmp_path, mirrors=[swapped.url, login.url, good.url])
    assert files_below(tmp_path / "mnist") == fake.content


def test_truncated_body(fake, good, tmp_path: Path) -> None:
    good.claim = 1000
    assert "breaks off" in refused(fake, tmp_path, good.url)
    good.claim = 0
    good.bodies[f"/{NAME}.gz"] = good.bodies[f"/{NAME}.gz"][:-100]
    assert "damaged or not a gzip file" in refused(fake, tmp_path, good.url)
    assert set(files_below(tmp_path / "mnist")) == set(fake.content) - {NAME}  # The good ones stay.


def test_endless_body(fake, serve, tmp_path: Path) -> None:
    flood = serve({f"/{NAME}.gz": bytes(5_000_000)})
    assert "far larger" in refused(fake, tmp_path, flood.url)


def test_a_bomb_of_the_transport_is_not_unpacked(fake, serve, tmp_path: Path) -> None:
    """A Content-Encoding is unpacked by requests itself, in pieces."""
    bomb = serve({f"/{NAME}.gz": gzip.compress(bytes(200_000_000), 9)})
    bomb.headers["Content-Encoding"] = "gzip"
    tracemalloc.start()
    try:
        assert "far larger" in refused(fake, tmp_path, bomb.url)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    bomb.bodies = {f"/{NAME}.gz": gzip.compress(gzip.compress(bytes(200_000_000), 9), 9)}
    bomb.headers["Content-Encoding"] = "gzip, gzip"
    assert "far larger" in refused(fake, tmp_path, bomb.url)


def test_no_network(fake, tmp_path: Path) -> None:
    message = refused(fake, tmp_path, "http://127.0.0.1:9/", "http://127.0.0.1:9/other/")
    assert message.count("cannot be reached") == 2  # Once a mirror, not once a file.
    assert not files_below(tmp_path)


def test_mirror_that_never_answers(fake, good, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", (1.0, 1.0))
    good.stall = threading.Event()
    assert "does not answer in time" in refused(fake, tmp_path, good.url)
    assert len(good.asked) == 1


@pytest.mark.parametrize("mirror", ["", "mnist", "file:///tmp/", "http://", "http://[", "ftp://example.org/"])
def test_bad_mirror(fake, tmp_path: Path, mirror: str) -> None:
    with pytest.raises(UserError, match="is not a web address"):
        fake.store.fetch(tmp_path, mirrors=[mirror])


def test_folder_that_cannot_be_made(fake, good, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be written .*INVSEARCH_DATA"):
        fake.store.fetch(tmp_path / "file", mirrors=[good.url])


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_half_written_is_left(
    fake, good, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises((UserError, KeyboardInterrupt)) as caught:
        fake.store.fetch(tmp_path, mirrors=[good.url])
    assert isinstance(caught.value, KeyboardInterrupt) or "No space left" in str(caught.value)
    assert not (tmp_path / "mnist").exists()


def test_what_appears_in_the_cache_is_whole(fake, good, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = os.replace

    def watching(source: Path, target: Path) -> None:
        assert source.read_bytes() == fake.content[target.name]
        assert source.stat().st_dev == target.parent.stat().st_dev
        seen.append(target.name)
        real(source, target)

    monkeypatch.setattr(os, "replace", watching)
    fake.store.fetch(tmp_path, mirrors=[good.url])
    assert seen == list(fake.content)


def test_what_killed_downloads_left_is_removed_and_nothing_else(fake, good, tmp_path: Path) -> None:
    folder = tmp_path / "mnist"
    killed, old, new, running = (folder / f".partial-{name}" for name in ("killed", "old", "new", "running"))
    for partial in (killed, old, new, running):
        partial.mkdir(parents=True)
        (partial / "body").write_bytes(b"half")
    (killed / "lock").touch()  # Nobody holds it.
    os.utime(old, (0, 0))  # Of before there were locks.
    lock = Lock(running / "lock")
    assert lock.acquire()
    try:
        fake.store.fetch(tmp_path, mirrors=[good.url])
    finally:
        lock.release()
    assert {path.name for path in folder.glob(".partial-*")} == {".partial-new", ".partial-running"}


def test_a_download_in_progress_is_not_abandoned(tmp_path: Path) -> None:
    with writing_in(tmp_path) as scratch:
        (scratch / "body").write_bytes(b"half")
        os.utime(scratch, (0, 0))
        remove_abandoned(tmp_path)
        assert (scratch / "body").exists()
    assert not any(tmp_path.iterdir())
