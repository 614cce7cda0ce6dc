from pathlib import Path

import pandas as pd
import pytest

from search.cli import main
from tests.search.datasets.test_folder import make


def test_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["stability", "--dataset", "digits", "--images", "2", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert "| invariant " in shown.out
    assert "2 training images of digits, seed 0" in shown.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"stability.{end}" for end in ("md", "csv", "png", "pdf")
    }
    assert shown.out in (tmp_path / "out" / "stability.md").read_text(encoding="utf-8")
    values = pd.read_csv(tmp_path / "out" / "stability.csv")
    assert set(values["stage"]) == {"pixels", "details", "magnitudes", "conv", "invariant"}


def test_what_was_measured_is_written_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("analysis.render.paper.draw_for_paper", fails)
    with pytest.raises(RuntimeError, match="no ink"):
        main(["stability", "--dataset", "digits", "--images", "2", "--out", str(tmp_path / "out")])
    assert len(pd.read_csv(tmp_path / "out" / "stability.csv")) > 100
    assert capsys.readouterr().out in (tmp_path / "out" / "stability.md").read_text(encoding="utf-8")


def test_colour_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path))
    make(tmp_path / "own")
    asked = ["--dataset", "folder-own", "--architectures", "ref-w1,scatnetA", "--images", "2"]
    assert main(["stability", *asked, "--out", str(tmp_path / "out")]) == 0
    assert "| scatnetA " in capsys.readouterr().out
    assert "2 training images of folder-own" in (tmp_path / "out" / "stability.md").read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_is_found_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("models.stability.measure", measured)
    (tmp_path / "file").write_text("")
    for out in ("file", "file/below"):
        assert main(["stability", "--dataset", "digits", "--out", str(tmp_path / out)]) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        assert f"out: {tmp_path / out}: " in message
        assert "give a folder that can be written" in message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--images", "0"], ["images: 0", "at least 1"]),
        (["--images", "x"], ["not a whole number"]),
        (["--dataset", "nosuch"], ["nosuch", "digits"]),
        (["--architectures", "ref"], ["ref is made for images of 32 x 32 or 64 x 64", "28 x 28"]),
        (["--architectures", "nosuch"], ["nosuch", "scatnetA"]),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stability", *arguments]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert all(word in message for word in words)
