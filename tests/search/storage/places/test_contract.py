"""One contract of all places: a folder, a bucket in memory, and a real server, also where its bucket has versions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from search.storage.places.address import open_place
from search.storage.places.base import Conflict, Place, Version
from search.storage.places.bucket import BucketPlace
from search.storage.places.folder import FolderPlace
from search.storage.places.probe import check_conditions
from tests.servers import Server, keep_versions, start_seaweed

WRITERS = 8
SERVED = ("contract", "versioned")  # Buckets of the server.


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server: Server = start_seaweed(tmp_path_factory.mktemp("servers") / "seaweed")
    yield server
    server.kill()


@pytest.fixture(params=["folder", "memory", *(pytest.param(name, marks=pytest.mark.slow) for name in SERVED)])
def place(
    request: pytest.FixtureRequest, bucket: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    if request.param == "folder":
        return FolderPlace(tmp_path / "run")
    if request.param == "memory":
        return bucket
    server = request.getfixturevalue("seaweed")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    place = open_place(f"s3://{request.param}/{request.node.name.split('[')[0]}")
    place.create("first", b"")  # Which makes the bucket.
    if request.param == "versioned":
        keep_versions(server, request.param)
    place.delete(["first"])
    return place


def test_a_name_is_made_once_and_replaced_only_on_its_version(place: Place) -> None:
    assert place.get("a/b") is None
    assert place.look("a/b") is None
    first = place.create("a/b", b"1")
    with pytest.raises(Conflict):
        place.create("a/b", b"2")
    assert place.get("a/b") == (b"1", first)
    second = place.swap("a/b", b"3", first)
    for version in (first, Version("0" * 32)):
        with pytest.raises(Conflict):
            place.swap("a/b", b"4", version)
    with pytest.raises(Conflict):
        place.swap("a/c", b"4", second)
    assert place.get("a/b") == (b"3", second)
    assert place.get("a/c") is None
    entry = place.look("a/b")
    assert entry is not None
    assert (entry.version, entry.size) == (second, 1)


def test_names_are_listed_by_their_folder_and_removed(place: Place) -> None:
    for name in ("trials/b/record.json", "trials/a/record.json", "trials/ab/record.json", "spec.json"):
        place.create(name, name.encode())
    assert [entry.name for entry in place.list("trials/a")] == ["trials/a/record.json"]
    assert [entry.name for entry in place.list()] == [
        "spec.json",
        "trials/a/record.json",
        "trials/ab/record.json",
        "trials/b/record.json",
    ]
    for entry in place.list():  # Lists have no generations.
        found = place.get(entry.name)
        assert found is not None
        assert (found[0], found[1].tag) == (entry.name.encode(), entry.version.tag)
    place.delete(["spec.json", "never.json"])
    place.delete([])
    assert place.get("spec.json") is None
    place.create("spec.json", b"again")


def test_of_many_writers_one_wins(place: Place) -> None:
    def race(write: Callable[[bytes], Version]) -> list[bytes]:
        def attempt(content: bytes) -> bytes | None:
            try:
                write(content)
            except Conflict:
                return None
            return content

        with ThreadPoolExecutor(WRITERS) as pool:
            return [won for won in pool.map(attempt, [b"%d" % n for n in range(WRITERS)]) if won is not None]

    (winner,) = race(lambda content: place.create("once", content))
    found = place.get("once")
    assert found is not None
    assert found[0] == winner
    (winner,) = race(lambda content: place.swap("once", b"swap " + content, found[1]))
    again = place.get("once")
    assert again is not None
    assert again[0] == b"swap " + winner


def test_the_probe_leaves_nothing(place: Place) -> None:
    now = check_conditions(place)
    place.create("later", b"x")
    entry = place.look("later")
    assert entry is not None
    assert now <= entry.modified
    assert [entry.name for entry in place.list()] == ["later"]
