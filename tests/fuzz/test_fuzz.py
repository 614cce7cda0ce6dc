"""Damaged inputs for a while (slow); and what makes the fuzzer worth its time: it repeats itself, and it can fail."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz import commands, fuzzer
from tests.fuzz.fuzzer import TARGETS, attempt, fuzz

# The same inputs on each machine; some seconds of each target.
COUNTS = {"archives": 3000, "options": 80, "spaces": 4500, "runs": 24}


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_every_input_has_a_clear_answer(name: str, tmp_path: Path) -> None:
    failures = fuzz(name, 1, COUNTS[name], keep=tmp_path)
    assert not failures, "\n".join(map(str, failures))


@pytest.mark.parametrize("name", TARGETS)
def test_an_input_is_decided_by_its_number(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "main", lambda arguments: 0)  # What a command writes has the time in it.
    made = []
    for place in ("a", "b"):
        folder = tmp_path / place
        folder.mkdir()
        assert attempt(name, 0, 3, folder) is None
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        made.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert made[0] == made[1]
    assert made[0]


def test_a_failing_input_is_named_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(chooser: random.Random, folder: Path) -> None:
        (folder / "x").write_text(str(chooser.random()), encoding="utf-8")
        if chooser.random() < 0.5:
            raise ValueError("planted")

    monkeypatch.setitem(fuzzer.TARGETS, "archives", planted)
    failures = fuzz("archives", 5, 20, keep=tmp_path)
    assert failures
    assert "again: python -m tests.fuzz --target archives --seed 5 --only" in str(failures[0])
    assert "ValueError: planted" in str(failures[0])
    assert fuzz("archives", 5, 20) == failures
    kept = tmp_path / f"archives-5-{failures[0].number}"
    assert {path.name for path in kept.iterdir()} == {"x", "reason"}


def test_what_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(chooser: random.Random, folder: Path) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:
                return

    monkeypatch.setattr(fuzzer, "CPU_SECONDS", 0.1)
    failure = attempt("archives", 0, 0, tmp_path, endless)
    assert failure is not None
    assert "over 0.1 s of a core" in failure.reason
