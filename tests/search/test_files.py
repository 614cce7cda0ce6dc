import json
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from search.files import append_line, write_atomically, write_json


def test_writes_whole_files(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": [1, 2.5, None, "é"]})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"x": [1, 2.5, None, "é"]}


def test_what_is_not_finite_becomes_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"loss": float("nan"), "rows": [float("inf"), -float("inf"), 1.0]})
    assert (tmp_path / "a.json").read_text() == '{"loss": null, "rows": [null, null, 1.0]}\n'


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def broken(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, broken)
    assert json.loads(path.read_text()) == {"old": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_files_can_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o022)
    write_json(tmp_path / "a.json", {})
    os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644


def test_appends_lines(tmp_path: Path) -> None:
    for number in (1, 2):
        append_line(tmp_path / "log", {"n": number})
    assert [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()] == [{"n": 1}, {"n": 2}]
