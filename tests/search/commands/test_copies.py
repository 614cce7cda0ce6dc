"""A run as one file: what continues it is in it, to the byte, and nothing that is damaged gets in or out."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from search.cli import main
from search.storage.driver import DriverLock
from search.storage.run_folder import RunFolder
from tests.search.commands.conftest import Small


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
    content[-1] ^= 1
    kept.write_bytes(content)
    archive, out = tmp_path / "run.tar.xz", tmp_path / "out"
    with tarfile.open(archive, "w:xz") as packed:
        packed.add(run, "mine")
    assert f"{kept.name} is damaged (" in refused(capsys, "unarchive", archive, "--out", out)
    assert not out.exists()
    archive.write_bytes(archive.read_bytes()[:-100])
    assert "cannot be read as an archive" in refused(capsys, "unarchive", archive, "--out", out)
    assert "is not empty" in refused(capsys, "unarchive", archive, "--out", run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "run.tar.xz"]
