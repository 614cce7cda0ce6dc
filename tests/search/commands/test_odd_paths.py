"""Runs whose paths a shell, a terminal or a library would misread."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from search.cli import main

ROOT = Path(__file__).resolve().parents[3]
ODD = ["a b's", "new\nline \x1b[31mred", "-dash", "per%s{}", "not UTF-8 \udcff", "[red]", "=1+1", "~x"]


@pytest.fixture(params=ODD, ids=ascii)
def odd(request: pytest.FixtureRequest, small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The small run under an odd name in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small.path, tmp_path / request.param)
    return f"./{request.param}" if request.param.startswith("~") else request.param


@pytest.mark.parametrize(
    "command", ["status", "status --csv", "watch --once", "watch", "table ranking", "table 1.3", "best", "check"]
)
def test_commands_show_it(odd: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--", odd]) == 0, capsys.readouterr().err
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.replace("\n", "").isprintable()


@pytest.mark.parametrize("command", ["table ranking", "compare"])
def test_it_stands_beside_another_run(odd: str, command: str, small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--", odd, str(small.path)]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.replace("\n", "").isprintable()


def test_commands_that_are_printed_run(odd: str, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = next((Path(odd) / "trials").glob("conv-*/record.json"))
    damaged.write_text("damaged")
    assert main(["status", "--", odd]) == 3
    line = capsys.readouterr().err.partition("see invsearch ")[2].strip()
    invsearch = shlex.join([sys.executable, "-m", "search"])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", f"{invsearch} {line} --repair"], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert main(["check", "--", odd]) == 0


def test_a_network_is_exported_from_and_to_it(odd: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Folders of our packages' names beside ``load.py`` do not matter either."""
    assert main(["best", f"--export=out {Path(odd)}", "--architecture", "conv", "--", odd]) == 0, (
        capsys.readouterr().err
    )
    line = capsys.readouterr().out.partition("try: python ")[2].strip()
    for name in ("models", "search", "spaces", "analysis"):
        (tmp_path / f"out {Path(odd)}" / name).mkdir()
        (tmp_path / f"out {Path(odd)}" / name / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", f"{shlex.quote(sys.executable)} {line}"], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"on record: " in done.stdout


def test_where_invsearch_is_not_installed_load_py_says_so(tmp_path: Path) -> None:
    shutil.copy(ROOT / "search" / "export" / "load.py", tmp_path)
    done = subprocess.run([sys.executable, "-IS", tmp_path / "load.py"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("load.py: invsearch is not installed for ")
    assert done.stderr.count("\n") == 1
