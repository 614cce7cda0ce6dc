from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.revisions import collect_answers, list_lines


def tree(folder: Path, word: str) -> Path:
    (folder / "search").mkdir(parents=True)
    (folder / "search" / "cli.py").write_text(
        f"import sys\ndef main(line):\n    print('{word}', *line)\n    print('aside', file=sys.stderr)\n    return 3\n"
    )
    return folder


def test_answers_come_from_the_code_of_the_tree(tmp_path: Path) -> None:
    lines = [["status", "a"], ["best", "a"]]
    for word in ("old", "new"):
        first, second = collect_answers(tree(tmp_path / word, word), lines)
        assert first == ["$ invsearch status a: 3", f"{word} status a", "aside"]
        assert second == ["$ invsearch best a: 3", f"{word} best a", "aside"]


def test_code_that_does_not_run_is_no_answer(tmp_path: Path) -> None:
    tree(tmp_path, "").joinpath("search", "cli.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(RuntimeError, match="nothing_of_that_name"):
        collect_answers(tmp_path, [["list"]])


def test_trials_from_the_whole_run_are_shown(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / "trials" / f"t{number}").mkdir(parents=True)
    lines = list_lines(str(tmp_path), ["1.3"])
    assert [line[2] for line in lines if line[0] == "show"] == ["t0", "t3", "t6"]
    assert ["table", "1.3", str(tmp_path), "--format", "csv"] in lines
