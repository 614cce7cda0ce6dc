from pathlib import Path

import pytest

from search import cli
from tests.analysis.conftest import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = RunFolder(tmp_path / "run")
    folder.sweep("conv", [0.5, 0.6, 0.7, 0.8], "completed")
    return folder.write()


def test_it_says_what_it_wrote_and_where(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(run), "--only", "html"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(run / "report" / "report.html")]
    assert (run / "report" / "report.html").is_file()


def test_a_damaged_file_is_named_and_the_rest_reported(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "trials" / "conv-0123456789").mkdir()
    (run / "trials" / "conv-0123456789" / "record.json").write_text("{")
    assert cli.main(["report", str(run), "--only", "tables"]) == 3
    said = capsys.readouterr()
    assert "conv-0123456789" in said.err
    assert said.out.startswith(f"{run / 'report' / 'tables'}: ")


def test_several_runs_need_out(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(run), str(run)]) == 2
    assert "--out" in capsys.readouterr().err


def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
