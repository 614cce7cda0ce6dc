from __future__ import annotations

import subprocess

import pytest

from benchmarks import latency


def test_it_times_every_command_against_pandas(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(latency, "run_python", lambda arguments: ran.append(tuple(arguments)))
    latency.main(["--quick"])
    text = capsys.readouterr().out
    assert latency.IMPORT in ran
    commands = {words[2] for words in ran if words[:2] == ("-m", "search")}
    assert commands >= {"--help", "list", "status", "table", "show", "best"}
    for command in ("--help", "list", "status RUN", "table 1.3 RUN"):
        assert f"| {command} " in text


def test_a_command_that_fails_is_not_timed() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        latency.run_python(["-c", "raise SystemExit(1)"])
