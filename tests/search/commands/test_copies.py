"""A run as one file: what continues it is in it, to the byte, and nothing that is damaged gets in or out."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from search import archives
from search.cli import main
from search.storage.driver import DriverLock
from search.storage.run_folder import RunFolder
from tests.search.commands.conftest import Small

ROOT = Path(__file__).parents[3]


@pytest.fixture
def run(small: Small, tmp_path: Path) -> Path:
    """A run with what others left in its folder."""
    path = tmp_path / "mine"
    shutil.copytree(small.path, path)
    for name in ("report/report.html", "log/tensorboard/events", ".tune/state"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("x")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_that_continues_a_run_is_there_again(
    run: Path, small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["archive", str(run)]) == 0
    assert "invsearch unarchive" in capsys.readouterr().out
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["unarchive", str(tmp_path / "mine.tar.xz")]) == 0
    assert json.loads((run / "history.jsonl").read_text().splitlines()[0])["command"] in capsys.readouterr().out
    there = contents(tmp_path / "elsewhere" / "mine")
    left_out = {name for name in contents(run) if name not in there}
    assert there.items() <= contents(run).items()
    assert {"spec.json", "environment.json", "costs.json", "history.jsonl"} < there.keys()
    assert any(name.endswith(".safetensors") for name in there)
    assert {name.rsplit("/")[-1] for name in left_out} == {"driver.lock", "lock", "report.html", "events", "state"}
    moved = RunFolder("mine")
    with moved.driven(small.spec, accept_changes=True) as spec:
        assert spec == small.spec
        assert len(moved.list_recorded("rerun")) == 4


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(list(map(str, words))) == 2
    return capsys.readouterr().err


def test_what_is_not_in_order_is_not_archived(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "in the run folder; give a file elsewhere" in refused(capsys, "archive", run, "--out", run / "x.tar.xz")
    assert "not a run folder" in refused(capsys, "archive", tmp_path / "none")
    lock = DriverLock(run)
    lock.take()
    assert "in use by" in refused(capsys, "archive", run)
    lock.release()
    record = next(run.glob("trials/*/record.json"))
    record.write_bytes(record.read_bytes().replace(b"conv", b"cony"))
    assert "record.json: damaged (" in refused(capsys, "archive", run)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_nothing_damaged_is_unpacked(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = next(run.glob("trials/*/checkpoint-*.safetensors"))
    content = bytearray(kept.read_bytes())
    archive, out = tmp_path / "run.tar.xz", tmp_path / "out"
    for damaged in (True, False):
        content[-1] ^= 1
        kept.write_bytes(content)
        with tarfile.open(archive, "w:xz") as packed:
            packed.add(run, "mine")
        if damaged:
            assert f"{kept.name} is damaged (" in refused(capsys, "unarchive", archive, "--out", out)
            assert not out.exists()
    archive.write_bytes(archive.read_bytes()[:-100])
    assert "cannot be read as an archive" in refused(capsys, "unarchive", archive, "--out", out)
    assert "is not empty" in refused(capsys, "unarchive", archive, "--out", run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "run.tar.xz"]


@pytest.mark.parametrize("home", ["mine", "sources"])
def test_sources_of_any_name_are_kept_in_a_run_of_any_name(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], home: str
) -> None:
    run = run.rename(tmp_path / home)
    for name in ("my layer, schön.py", "below it/__init__.py", ".hidden/x.py"):
        (run / "sources" / "Mine-0123abcd" / name).parent.mkdir(parents=True, exist_ok=True)
        (run / "sources" / "Mine-0123abcd" / name).write_text(name)
    assert main(["archive", str(run), "--out", str(tmp_path / "x.tar.xz")]) == 0
    assert main(["unarchive", str(tmp_path / "x.tar.xz"), "--out", str(tmp_path / "again")]) == 0
    there, here = contents(run), contents(tmp_path / "again")
    assert {name for name in there if name.startswith("sources/")} < here.keys()
    assert here.items() <= there.items()
    (run / "sources" / "Mine-0123abcd" / "link.py").symlink_to("/etc/passwd")
    capsys.readouterr()
    assert "link.py: a link, or has control" in refused(capsys, "archive", run, "--out", tmp_path / "y.tar.xz")


def test_what_has_no_spec_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spec.json").write_text("{}")
    with tarfile.open(tmp_path / "x.tar", "w") as packed:
        packed.add(tmp_path / "spec.json", "sources/spec.json")
    assert "holds no spec.json" in refused(capsys, "unarchive", tmp_path / "x.tar", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_replaced_and_the_usual_place_is_beside_the_run(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run)
    assert main(["archive", "."]) == 0
    assert (tmp_path / "mine.tar.xz").is_file()
    assert "mine.tar.xz is there already; give another file, or remove it" in refused(capsys, "archive", run)
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(Path, "write_bytes", lambda path, content: os.mkdir(tmp_path / "file"))
    out = tmp_path / "out"
    assert f"out: {out}: cannot be written (" in refused(capsys, "unarchive", tmp_path / "mine.tar.xz", "--out", out)


def test_no_more_is_packed_than_is_unpacked(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    assert "files are more than unarchive unpacks (1,000 bytes" in refused(capsys, "archive", run)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_driver_that_comes_and_goes_meanwhile_is_noticed(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_kept(path: Path, act: Callable[[Path], list[str]] = archives._list_kept) -> list[str]:
        lock = DriverLock(path)
        lock.take()
        lock.release()
        return act(path)

    monkeypatch.setattr(archives, "_list_kept", list_kept)
    assert "a driver worked on it meanwhile" in refused(capsys, "archive", run)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("archive", sorted(ROOT.glob("results/*/run.tar.xz")), ids=lambda path: path.parent.name)
def test_committed_runs_are_unpacked(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also those whose history is from before its lines had checksums."""
    assert main(["unarchive", str(archive), "--out", str(tmp_path / "out")]) == 0
    first = (tmp_path / "out" / "history.jsonl").read_text()
    said = "from before its lines had checksums; invsearch check" in capsys.readouterr().err
    assert said == (not first.startswith('{"checksum"'))


def test_a_folder_of_replicates_is_refused_with_the_way_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "replicates.json").write_text("{}")
    said = refused(capsys, "archive", tmp_path)
    assert "holds replicates, each a run of its own; give one of them, such as" in said
    several = ROOT / "results" / "replicates-digits" / "runs.tar.xz"
    said = refused(capsys, "unarchive", several, "--out", tmp_path / "out")
    assert "holds several runs; unpack it with tar and give the folder of one" in said
    assert not (tmp_path / "out").exists()
