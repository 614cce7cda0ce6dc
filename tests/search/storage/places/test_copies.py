from __future__ import annotations

from pathlib import Path

import pytest

from search.storage.json_files import read_lines, write_json
from search.storage.places.bucket import BucketPlace
from search.storage.places.copies import pull, push
from search.storage.places.layout import CHECKPOINT
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
        if path.is_file() and path.name not in (".mirror.json", "decisions.jsonl", "driver.lock", ".place.lock")
    }


def test_a_copy_of_a_copy_is_the_run(run: Path, bucket: BucketPlace, tmp_path: Path) -> None:
    assert push(run, bucket) == 9
    assert push(run, bucket) == 0  # Given again, as after an interruption.
    count, damaged = pull(bucket, tmp_path / "copy")
    assert (count, damaged) == (9, [])
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
    assert bucket.get("spec.json") is None
    with pytest.raises(UserError, match="no run is there"):
        pull(bucket, tmp_path / "copy")
    bucket.delete(["costs.json"])
    push(run, bucket)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    with pytest.raises(UserError, match="has files and is no copy that was pulled"):
        pull(bucket, tmp_path / "other")
    with pytest.raises(UserError, match="is no run folder"):
        push(tmp_path / "other", bucket)


def test_a_damaged_run_is_not_pushed(run: Path, bucket: BucketPlace) -> None:
    (run / "costs.json").write_bytes(b"garbled")
    with pytest.raises(UserError, match=r"damaged: costs.json; invsearch check --repair"):
        push(run, bucket)
    assert not bucket.list()
