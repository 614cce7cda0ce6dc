from __future__ import annotations

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from search.storage.json_files import read_lines, write_json
from search.storage.places.base import Conflict, Version
from search.storage.places.bucket import BucketPlace
from search.storage.places.layout import LEASE, name_decision
from search.storage.places.mirror import Mirror
from spaces.files.sealed import seal


def decide(bucket: BucketPlace, number: int, **more: object) -> None:
    bucket.create(name_decision(number), seal({"number": number, **more}))


def test_only_what_changed_is_fetched(bucket: BucketPlace, tmp_path: Path) -> None:
    first = bucket.create("trials/a/record.json", b"1")
    bucket.create("spec.json", b"spec")
    bucket.create("trials/a/checkpoint-3.0123456789abcdef.safetensors", b"large")
    bucket.create(LEASE, b"lease")
    bucket.create("trials/a/holiday.jpeg", b"x")
    decide(bucket, 1, trial_id="a")
    decide(bucket, 2, event="taken over")
    mirror = Mirror(bucket, tmp_path / "run")
    mirror.refresh()
    assert (tmp_path / "run/trials/a/record.json").read_bytes() == b"1"
    assert mirror.foreign == ["trials/a/holiday.jpeg"]
    assert mirror.checkpoints == ["trials/a/checkpoint-3.0123456789abcdef.safetensors"]
    assert mirror.last_decision == 2
    before = bucket.requests["get"]
    assert before == 4
    Mirror(bucket, tmp_path / "run").refresh()
    assert bucket.requests["get"] == before
    bucket.swap("trials/a/record.json", b"2", first)
    decide(bucket, 3, trial_id="b")
    bucket.delete(["spec.json"])
    Mirror(bucket, tmp_path / "run").refresh()
    assert bucket.requests["get"] == before + 2
    assert (tmp_path / "run/trials/a/record.json").read_bytes() == b"2"
    assert not (tmp_path / "run/spec.json").exists()
    lines, damaged = read_lines(tmp_path / "run/decisions.jsonl")
    assert ([line["trial_id"] for line in lines], damaged) == (["a", "b"], 0)


def test_what_is_lost_here_is_fetched_again(bucket: BucketPlace, tmp_path: Path) -> None:
    bucket.create("spec.json", b"spec")
    for number, trial_id in enumerate("abc", start=1):
        decide(bucket, number, trial_id=trial_id)
    Mirror(bucket, tmp_path).refresh()
    whole = (tmp_path / "decisions.jsonl").read_bytes()
    (tmp_path / "spec.json").unlink()
    (tmp_path / "decisions.jsonl").write_bytes(whole.splitlines(keepends=True)[2] + whole[:40])  # Torn.
    (tmp_path / ".mirror.json").write_bytes(b"{garbled")
    Mirror(bucket, tmp_path).refresh()
    assert (tmp_path / "spec.json").read_bytes() == b"spec"
    assert (tmp_path / "decisions.jsonl").read_bytes() == whole


def test_a_damaged_decision_is_named_and_left_out(bucket: BucketPlace, tmp_path: Path) -> None:
    decide(bucket, 1, trial_id="a")
    bucket.create(name_decision(2), b"garbled")
    bucket.create(name_decision(3), seal({"number": 1, "trial_id": "copied"}))
    mirror = Mirror(bucket, tmp_path)
    mirror.refresh()
    assert set(mirror.damaged) == {name_decision(2), name_decision(3)}
    assert [line["trial_id"] for line in read_lines(tmp_path / "decisions.jsonl")[0]] == ["a"]


def test_names_of_a_stranger_lead_nowhere(bucket: BucketPlace, tmp_path: Path) -> None:
    for name in (".ssh/key", ".mirror.json", "driver.lock", "report/index.html", "trials/.x/record.json"):
        bucket.create(name, b"x")
    Mirror(bucket, tmp_path / "run").refresh()
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".mirror.json"]


def test_sources_of_any_name_are_brought_both_ways(bucket: BucketPlace, tmp_path: Path) -> None:
    """Users name them."""
    names = {f"sources/Mine-0/{name}" for name in ("my layer, schön.py", ".hidden.py", "below it/x.py")}
    for name in names:
        (tmp_path / "one" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "one" / name).write_text("x")
    Mirror(bucket, tmp_path / "one").upload()
    assert {entry.name for entry in bucket.list()} == names
    Mirror(bucket, tmp_path / "two").refresh()
    assert all((tmp_path / "two" / name).read_text() == "x" for name in names)


def test_what_was_written_here_is_brought_there_on_the_version_that_was_read(
    bucket: BucketPlace, tmp_path: Path
) -> None:
    version = bucket.create("costs.json", seal({"a": 1}))
    bucket.create("environment.json", seal({"a": 1}))
    mirror = Mirror(bucket, tmp_path)
    mirror.refresh()
    (tmp_path / "environment.json").rename(tmp_path / "environment.json.damaged-20260101T000000")
    write_json(tmp_path / "costs.json", {"a": 2})
    (tmp_path / "ray_sessions.jsonl").touch()
    mirror.upload()
    assert [entry.name for entry in bucket.list()] == ["costs.json", "environment.json.damaged-20260101T000000"]
    found = bucket.get("costs.json")
    assert found is not None
    assert found[0] == seal({"a": 2})
    bucket.swap("costs.json", seal({"a": 3}), found[1])
    assert found[1] != version
    write_json(tmp_path / "costs.json", {"a": 4})
    with pytest.raises(Conflict):
        mirror.upload()


def test_a_decision_of_an_earlier_run_at_the_same_prefix_is_forgotten(bucket: BucketPlace, tmp_path: Path) -> None:
    for number in (1, 2):
        decide(bucket, number, trial_id="old")
    Mirror(bucket, tmp_path).refresh()
    bucket.delete([name_decision(1), name_decision(2)])
    decide(bucket, 1, trial_id="new")
    decide(bucket, 2, event="taken over")
    Mirror(bucket, tmp_path).refresh()
    assert [line["trial_id"] for line in read_lines(tmp_path / "decisions.jsonl")[0]] == ["new"]


class Versioned(BucketPlace):
    """Says a generation with what it hands out, but not in lists, as S3 does of a bucket with versions."""

    def get(self, name: str) -> tuple[bytes, Version] | None:
        found = super().get(name)
        return None if found is None else (found[0], found[1]._replace(generation="7"))


def test_what_did_not_change_in_a_bucket_with_versions_is_not_fetched(tmp_path: Path) -> None:
    place = Versioned("s3://bucket/run", MemoryStore())
    place.create("spec.json", b"spec")
    decide(place, 1, trial_id="a")
    decide(place, 2, event="taken over")
    for _ in range(2):
        Mirror(place, tmp_path).refresh()
    assert place.requests["get"] == 3


def test_what_is_not_as_it_was_fetched_is_not_kept(bucket: BucketPlace, tmp_path: Path) -> None:
    for name in ("spec.json", "costs.json", "trials/a/record.json"):
        bucket.create(name, name.encode())
    Mirror(bucket, tmp_path).refresh()
    (tmp_path / "trials/a/record.json").write_bytes(b"garbled")
    (tmp_path / "costs.json").unlink()
    (tmp_path / "trials/a/verdict.json").write_bytes(b"of a driver that was killed")
    mirror = Mirror(bucket, tmp_path)
    mirror.drop_changed()
    before = bucket.requests["get"]
    mirror.refresh()
    assert bucket.requests["get"] == before + 2
    assert (tmp_path / "trials/a/record.json").read_bytes() == b"trials/a/record.json"
    mirror.upload()
    assert [entry.name for entry in bucket.list()] == ["costs.json", "spec.json", "trials/a/record.json"]
