import json
import os
from pathlib import Path

import pytest

from search.storage.json_files import append_line, read_lines, set_aside, write_json
from spaces.files.atomic import write_atomically
from spaces.files.sealed import Damaged, read_sealed, seal


def test_writes_whole_files(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": [1, 2.5, None, "é"]})
    assert read_sealed(tmp_path / "a.json") == {"x": [1, 2.5, None, "é"]}


def test_what_is_not_finite_becomes_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"loss": float("nan"), "rows": [float("inf"), -float("inf"), 1.0]})
    assert read_sealed(tmp_path / "a.json") == {"loss": None, "rows": [None, None, 1.0]}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def full(handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert read_sealed(path) == {"old": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_files_can_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o022)
    write_json(tmp_path / "a.json", {"x": 1})
    os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644


def test_appends_lines_that_any_json_reader_understands(tmp_path: Path) -> None:
    for number in (1, 2):
        append_line(tmp_path / "log", {"n": number})
    assert read_lines(tmp_path / "log") == ([{"n": 1}, {"n": 2}], 0)
    assert [json.loads(line)["n"] for line in (tmp_path / "log").read_text().splitlines()] == [1, 2]


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    append_line(tmp_path / "log", {"n": 1})
    with (tmp_path / "log").open("ab") as stream:
        stream.write(seal({"n": 2})[:30])  # Killed while it wrote.
    append_line(tmp_path / "log", {"n": 3})
    assert read_lines(tmp_path / "log") == ([{"n": 1}, {"n": 3}], 1)


def test_what_is_not_there_reads_as_nothing(tmp_path: Path) -> None:
    assert read_sealed(tmp_path / "a.json") is None
    assert read_lines(tmp_path / "log") == ([], 0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": 1}', b"\xff" * 99])
def test_damage_is_told_from_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(Damaged):
        read_sealed(tmp_path / "a.json")


def test_links_are_not_followed(tmp_path: Path) -> None:
    write_json(tmp_path / "secret.json", {"x": 1})
    (tmp_path / "a.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(Damaged, match="a link"):
        read_sealed(tmp_path / "a.json")
    with pytest.raises(OSError, match="symbolic"):
        append_line(tmp_path / "a.json", {"y": 2})
    write_json(tmp_path / "a.json", {"y": 2})  # Takes the link's place.
    assert read_sealed(tmp_path / "secret.json") == {"x": 1}


def test_no_draft_of_a_stranger_is_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: "0")
    (tmp_path / "precious").write_text("precious")
    (tmp_path / ".a.json.0").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        write_json(tmp_path / "a.json", {"x": 1})
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_second_name_elsewhere_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    os.link(tmp_path / "precious", tmp_path / "log")
    with pytest.raises(OSError, match="not a file of its own"):
        append_line(tmp_path / "log", {"x": 1})
    assert (tmp_path / "precious").read_text() == "precious"


def test_what_is_set_aside_is_kept_under_names_of_their_own(tmp_path: Path) -> None:
    names = []
    for text in ("one", "two", "three"):
        (tmp_path / "a.json").write_text(text)
        names.append(set_aside(tmp_path / "a.json", copy=text == "three"))
    assert [name.read_text() for name in names] == ["one", "two", "three"]
    assert all(name.name.startswith("a.json.damaged-") for name in names)
    assert (tmp_path / "a.json").read_text() == "three"
