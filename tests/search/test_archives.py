"""Run folders out of archives: only the files of a run, never elsewhere, and one line about anything else."""

import io
import tarfile
from pathlib import Path

import pytest

from search import archives
from search.archives import opened
from spaces import UserError

SPEC, RECORD = b"{}", b"record"


def pack(path: Path, members: dict[str, bytes], *links: str, mode: str = "w:xz") -> Path:
    with tarfile.open(path, mode) as archive:  # pyright: ignore[reportCallIssue, reportArgumentType]
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(entry)
    return path


@pytest.mark.parametrize("start", ["", "./", "run/", "runs/of/mine/"])
@pytest.mark.parametrize("mode", ["w:xz", "w:gz", "w"])
def test_the_files_of_a_run_are_unpacked_whatever_is_before_them(tmp_path: Path, start: str, mode: str) -> None:
    files = {"spec.json": SPEC, "trials/conv-1/record.json": RECORD, "trials/conv-1/verdict.json": RECORD}
    path = pack(tmp_path / "run.tar", {start + name: content for name, content in files.items()}, mode=mode)
    with opened(path) as folder:
        found = {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    assert found == files
    assert not folder.exists()


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        assert folder == tmp_path
    assert tmp_path.exists()


def test_nothing_else_is_written(tmp_path: Path) -> None:
    """Neither links nor places outside: of a name only its known end counts."""
    strange = {
        "run/spec.json": SPEC,
        "run/evil.sh": b"",
        "run/trials/../record.json": b"",
        "run/trials/.x/record.json": b"",
    }
    path = pack(tmp_path / "run.tar", strange, "run/costs.json", "run/trials/conv-2/record.json")
    with opened(path) as folder:
        assert [str(one.relative_to(folder)) for one in folder.rglob("*")] == ["spec.json"]
    with opened(pack(tmp_path / "up.tar", {"../../../spec.json": SPEC})) as folder:
        assert (folder / "spec.json").read_bytes() == SPEC
    assert not (tmp_path.parent / "spec.json").exists()


def test_what_is_no_archive_of_one_run_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        with pytest.raises(UserError) as caught, opened(path):
            pass
        assert "\n" not in str(caught.value)
        return str(caught.value)

    text = tmp_path / "text"
    text.write_text("no archive")
    assert "text: cannot be read as an archive of a run" in refuse(text)
    whole = pack(tmp_path / "whole.tar", {"run/spec.json": SPEC, "run/trials/a/record.json": RECORD * 1000})
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[:-60])
    assert "cannot be read as an archive" in refuse(cut)
    assert "holds no spec.json" in refuse(pack(tmp_path / "other.tar", {"image.png": b""}))
    two = {"replicate-01/spec.json": SPEC, "replicate-02/spec.json": SPEC}
    assert "holds several runs; unpack it" in refuse(pack(tmp_path / "two.tar", two))
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    assert "it holds far more than a run" in refuse(whole)
