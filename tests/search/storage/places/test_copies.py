from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from search.storage.json_files import read_lines, write_json
from search.storage.places.base import Unreachable
from search.storage.places.bucket import BucketPlace
from search.storage.places.copies import pull, push
from search.storage.places.layout import CHECKPOINT
from search.storage.places.mirror import Mirror
from spaces import UserError
from spaces.files.sealed import seal

TRIAL = "trials/conv-1"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = tmp_path / "run"
    (run / TRIAL).mkdir(parents=True)
    (run / "sources/mine").mkdir(parents=True)
    for name in ("spec.json", "costs.json", f"{TRIAL}/record.json", f"{TRIAL}/verdict.json"):
        write_json(run / name, {"name": name})
    (run / "sources/mine/layer.py").write_text("import torch\n")
    (run / TRIAL / "checkpoint-7.safetensors").write_bytes(b"weights")
    (run / "history.jsonl").write_bytes(seal({"event": "start"}))
    (run / "decisions.jsonl").write_bytes(seal({"trial_id": "a"}) + seal({"trial_id": "b"}))
    (run / "driver.lock").write_bytes(b"")
    (run / ".tune").mkdir()
    return run


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in (".mirror.json", ".bucket", "decisions.jsonl", "driver.lock", ".place.lock")
    }


def test_a_copy_of_a_copy_is_the_run(run: Path, bucket: BucketPlace, tmp_path: Path) -> None:
    assert push(run, bucket) == 9
    assert push(run, bucket) == 0  # Given again, as after an interruption.
    count, damaged = pull(bucket, tmp_path / "copy")
    assert (count, damaged) == (8, [])
    assert files(tmp_path / "copy") == files(run)
    lines = read_lines(tmp_path / "copy/decisions.jsonl")[0]
    assert [line["trial_id"] for line in lines] == ["a", "b"]


def test_a_copy_follows_its_run(run: Path, bucket: BucketPlace, tmp_path: Path) -> None:
    push(run, bucket)
    copy = tmp_path / "copy"
    pull(bucket, copy)
    found = bucket.get(f"{TRIAL}/record.json")
    assert found is not None
    bucket.swap(f"{TRIAL}/record.json", seal({"name": "later"}), found[1])
    (old,) = [entry.name for entry in bucket.list() if CHECKPOINT.fullmatch(entry.name)]
    bucket.delete([old])
    before = bucket.requests["get"]
    pull(bucket, copy)
    assert bucket.requests["get"] == before + 2  # The spec and the record.
    assert (copy / TRIAL / "record.json").read_bytes() == seal({"name": "later"})
    assert not list(copy.glob("trials/*/*.safetensors"))
    write_json(copy / TRIAL / "record.json", {"name": "trained on here"})
    with pytest.raises(UserError, match=r"record.json has changed since it was pulled"):
        pull(bucket, copy)


def test_damage_is_named(run: Path, bucket: BucketPlace, tmp_path: Path) -> None:
    push(run, bucket)
    (name,) = [entry.name for entry in bucket.list() if CHECKPOINT.fullmatch(entry.name)]
    for each in (name, "costs.json", "decisions/00000002.json"):
        found = bucket.get(each)
        assert found is not None
        bucket.swap(each, b"garbled", found[1])
    _, damaged = pull(bucket, tmp_path / "copy")
    assert sorted(damaged) == ["costs.json", "decisions/00000002.json", name]
    assert not list((tmp_path / "copy").glob("trials/*/*.safetensors"))


def test_nothing_is_overwritten(run: Path, bucket: BucketPlace, tmp_path: Path) -> None:
    bucket.create("costs.json", b"of another run")
    with pytest.raises(UserError, match=r"costs.json: is there already and differs; give a new prefix"):
        push(run, bucket)
    assert [entry.name for entry in bucket.list()] == ["costs.json"]
    with pytest.raises(UserError, match="no run is there"):
        pull(bucket, tmp_path / "copy")
    bucket.delete(["costs.json"])
    push(run, bucket)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    with pytest.raises(UserError, match="has files and is not a copy made by pull"):
        pull(bucket, tmp_path / "other")
    with pytest.raises(UserError, match="is not a run folder"):
        push(tmp_path / "other", bucket)


def test_a_damaged_run_is_not_pushed(run: Path, bucket: BucketPlace) -> None:
    (run / "costs.json").write_bytes(b"garbled")
    with pytest.raises(UserError, match=r"damaged: costs.json; invsearch check .*/run --repair repairs"):
        push(run, bucket)
    assert not bucket.list()


def test_nothing_is_added_to_another_run(run: Path, bucket: BucketPlace) -> None:
    bucket.create("trials/of-another-run/record.json", b"of another run")
    with pytest.raises(UserError, match=r"trials/of-another-run/record.json: is there already, of another run"):
        push(run, bucket)
    assert len(bucket.list()) == 1


def test_a_copy_is_of_one_run(run: Path, bucket: BucketPlace, tmp_path: Path) -> None:
    other = BucketPlace("s3://bucket/other", MemoryStore(), patience=0.5)
    (run / "trials/conv-2").mkdir()
    write_json(run / "trials/conv-2/record.json", {"name": "of the first alone"})
    push(run, bucket)
    shutil.rmtree(run / "trials/conv-2")
    push(run, other)
    pull(bucket, tmp_path / "copy")
    before = files(tmp_path / "copy")
    with pytest.raises(UserError, match=r"copy: is a copy of s3://bucket/run; give an empty or new folder"):
        pull(other, tmp_path / "copy")
    assert files(tmp_path / "copy") == before


@pytest.mark.parametrize("killed", [False, True])
def test_an_interrupted_copy_is_given_once_more(
    run: Path, bucket: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    push(run, bucket)
    copy, keep = tmp_path / "copy", Mirror.keep

    def fail(mirror: Mirror, name: str, *given: Any) -> None:
        if name == f"{TRIAL}/record.json":
            raise Unreachable(bucket.url, "the store cannot be reached")
        keep(mirror, name, *given)

    monkeypatch.setattr(Mirror, "keep", fail)
    if killed:
        monkeypatch.setattr(Mirror, "_save", lambda mirror: None)
    with pytest.raises(Unreachable):
        pull(bucket, copy)
    monkeypatch.undo()
    assert (copy / "spec.json").is_file()
    assert pull(bucket, copy) == (8, [])
    assert files(copy) == files(run)
    (copy / "costs.json").unlink()
    assert pull(bucket, copy) == (8, [])
    assert files(copy) == files(run)
    (copy / ".mirror.json").unlink()
    write_json(copy / TRIAL / "record.json", {"name": "trained on here"})
    with pytest.raises(UserError, match=r"record.json has changed since it was pulled"):
        pull(bucket, copy)


def test_a_line_of_the_history_that_is_damaged_is_named(run: Path, bucket: BucketPlace, tmp_path: Path) -> None:
    with (run / "history.jsonl").open("ab") as stream:
        stream.write(b"garbled\n")
    push(run, bucket)
    assert pull(bucket, tmp_path / "copy")[1] == ["history.jsonl"]
