"""Commands that only read, and notes, on the URL of a run in a bucket."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore
from safetensors.torch import load_file

from search.cli import main
from search.commands.watch import follow
from search.facade.run import Run
from search.planning.hook import run_hook
from search.storage.places import address
from search.storage.places.bucket import BucketPlace
from search.storage.places.copies import push
from search.storage.places.urls import find_root
from spaces import UserError
from spaces.specs.notes import read_notes

URL = "s3://bucket/runs/first"


class Stores(defaultdict[str, MemoryStore]):
    """Buckets in memory, by URL, and how many clients were made."""

    def __init__(self) -> None:
        super().__init__(MemoryStore)
        self.clients: Counter[str] = Counter()

    def connect(self, url: str, **options: Any) -> MemoryStore:
        self.clients[url] += 1
        return self[url]


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    monkeypatch.setenv("INVSEARCH_MIRRORS", str(tmp_path / "mirrors"))
    stores = Stores()
    monkeypatch.setattr("obstore.store.from_url", stores.connect)
    address._connect.cache_clear()
    yield stores
    address._connect.cache_clear()


@pytest.fixture
def run(small: Any, stores: Stores) -> MemoryStore:
    """The small run, in a bucket."""
    push(small.path, BucketPlace(URL, stores[URL]))
    return stores[URL]


def find(store: MemoryStore, name: str) -> list[str]:
    return [meta["path"] for chunk in obstore.list(store) for meta in chunk if name in meta["path"]]


def test_who_looks_again_and_again_makes_one_client(run: MemoryStore, stores: Stores) -> None:
    path = Run(URL).path
    next(follow(path, 1.0))
    before = stores.clients.total()
    for _ in range(3):
        next(follow(path, 1.0))
        Run(URL).read()
    assert stores.clients.total() == before


def test_another_credential_makes_another_client(
    run: MemoryStore, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "first")
    address.open_place(URL)
    address.open_place(URL)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "second")
    address.open_place(URL)
    assert stores.clients[URL] == 2


def test_check_reads_all_and_names_what_is_damaged(
    run: MemoryStore, small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", URL]) == 0
    assert capsys.readouterr().out == f"{URL}: 8 trials, 0 damaged\n"
    assert main(["check", URL, "--against", str(small.path)]) == 0
    assert main(["compare", URL, str(small.path), "--exact"]) == 0
    kept, record = find(run, ".safetensors")[0], find(run, "record.json")[-1]
    for name in (kept, record):
        content = bytes(obstore.get(run, name).bytes())
        obstore.put(run, name, content[:-9] + b"?" + content[-8:])
    capsys.readouterr()
    assert main(["check", URL]) == 3
    out = capsys.readouterr().out
    assert f"{URL}/{kept}: damaged (not what was written)\n" in out
    assert f"{URL}/{record}: damaged (not what was written)\n" in out
    assert out.endswith(f"{URL}: 8 trials, 2 damaged; the next sweep or rerun repairs what it can\n")


def test_the_best_network_is_exported_from_its_checkpoint(
    run: MemoryStore, small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, out in ((URL, "there"), (str(small.path), "here")):
        assert main(["best", place, "--architecture", "conv", "--export", str(tmp_path / out)]) == 0
        assert "weights from its checkpoint" in capsys.readouterr().err
    there, here = (load_file(tmp_path / name / "weights.safetensors") for name in ("there", "here"))
    assert there.keys() == here.keys()
    assert all((there[name] == here[name]).all() for name in here)


def test_notes_lie_in_the_bucket(
    run: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["note", URL, "first one", "--tag", "pilot"]) == 0
    monkeypatch.setenv("INVSEARCH_MIRRORS", str(tmp_path / "another machine"))
    assert main(["note", URL, "second one"]) == 0
    assert "first one [pilot]\n" in capsys.readouterr().out
    assert main(["pull", URL, str(tmp_path / "copy")]) == 0
    assert [note.text for note in read_notes(tmp_path / "copy")] == ["first one", "second one"]


def test_of_two_who_write_a_note_at_once_both_do(
    run: MemoryStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put: Callable[..., Any] = obstore.put
    others = iter([b"another's\n", b"and one more\n"])

    def put_late(store: MemoryStore, name: str, content: bytes, **options: Any) -> Any:
        before = next(others, None) if name == "notes.jsonl" else None
        if before:
            there = bytes(obstore.get(store, name).bytes()) if find(store, name) else b""
            put(store, name, there + before)
        return put(store, name, content, **options)

    monkeypatch.setattr(obstore, "put", put_late)
    assert main(["note", URL, "mine"]) == 0
    lines = bytes(obstore.get(run, "notes.jsonl").bytes()).splitlines()
    assert lines[:2] == [b"another's", b"and one more"]
    assert len(lines) == 3


@pytest.mark.parametrize(("above", "below"), [("s3://bucket/runs", "first"), ("s3://bucket", "runs/first")])
def test_runs_below_a_url(
    above: str, below: str, run: MemoryStore, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in find(run, ""):
        obstore.put(stores[above], f"{below}/{name}", obstore.get(run, name).bytes())
    obstore.put(stores[above], f"{below}/audit/spec.json", b"{}")  # Within a run.
    obstore.put(stores[above], "not ours/spec.json", b"{}")
    if above == "s3://bucket":
        obstore.put(stores[above], "spec.json", b"{}")  # A bucket is no run.
    assert main(["list", above]) == 0
    heads, line = capsys.readouterr().out.splitlines()
    assert heads.startswith("run")
    assert line.startswith(f"{below}  digits  conv, invariant  8/8    done")
    assert main(["list", "s3://bucket/nothing"]) == 0
    assert capsys.readouterr().out == "s3://bucket/nothing: no run below it\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", URL], "is a URL; give a folder on this machine, or a mounted one; invsearch pull copies"),
        (
            ["check", URL, "--repair"],
            "the run is in a bucket, where the next sweep or rerun repairs it; leave --repair",
        ),
        (["rerun", URL, "--log", "tensorboard"], "a run in a bucket keeps no logs for other programs; leave --log out"),
        (["reproduce", "1.3", "--replicates", "2", "--out", URL], "a bucket's URL is of one run; give each its own"),
    ],
)
def test_what_needs_a_folder_is_refused_in_a_line(
    run: MemoryStore, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = find(run, "")
    assert main(words) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1
    assert find(run, "") == before


def test_what_is_asked_is_planned_where_the_run_was_never_driven(
    run: MemoryStore, small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Run(URL).spec == small.spec
    assert main(["rerun", URL, "--seeds", "5", "--dry-run", "--assume", "cpus=1,seconds-per-epoch=10"]) == 0
    assert "conv: rerun: 3 trials left" in capsys.readouterr().out
    assert main(["choose", URL, "--dry-run", "--assume", "cpus=1,seconds-per-epoch=10"]) == 0
    assert "conv: choice: " in capsys.readouterr().out


def test_a_hook_gets_the_url(run: MemoryStore, capfd: pytest.CaptureFixture[str]) -> None:
    run_hook('echo "$INVSEARCH_RUN"', 0, str(Run(URL).path))
    assert capfd.readouterr().out == f"{URL}\n"


def test_a_report_from_python_says_where(run: MemoryStore) -> None:
    with pytest.raises(UserError, match="out: the run is in a bucket, so say where the report goes"):
        Run(URL).report()


def test_a_mirror_may_be_removed_at_any_time(run: MemoryStore) -> None:
    found = Run(URL)
    before = found.read().trials
    shutil.rmtree(find_root())
    again = Run(URL).read().trials
    assert list(again["trial_id"]) == list(before["trial_id"])
