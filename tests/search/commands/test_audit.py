"""``invsearch audit`` with real Ray on real digits, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest

from analysis.incumbents import find_incumbents
from analysis.records.reader import read_run
from search.cli import main

SWEEP = ["sweep", "--architectures", "conv", "--samples", "8", "--epochs", "3", "--grace-period", "1"]
SWEEP += ["--scheduler", "halving"]  # ASHA stops as many as the order of arrival says.


def read_files(run: Path) -> dict[str, bytes]:
    """All files of a run but those of its audit."""
    paths = (path for path in run.rglob("*") if path.is_file() and (run / "audit") not in path.parents)
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


@pytest.mark.slow
def test_the_sample_is_trained_beside_the_run_and_added_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main([*SWEEP, "--out", str(run)]) == 0
    before, sweep = read_files(run), read_run(run)
    stopped = sweep.trials[sweep.trials["status"] == "stopped"].set_index("trial_id")
    assert len(stopped) >= 2
    capsys.readouterr()
    for trials in (1, 2, 2):
        assert main(["audit", str(run), "--trials", str(trials)]) == 0
        text = capsys.readouterr().out
        assert f" {trials} of {trials} |" in text
        assert "numbers again" not in text  # All have the sweep's numbers, up to where they were stopped.
        audited = read_run(run / "audit")
        assert len(audited.trials) == trials
        assert set(audited.trials["trial_id"]) <= set(stopped.index)
        assert set(audited.trials["status"]) <= {"completed", "diverged"}
    assert read_files(run) == before
    assert find_incumbents(read_run(run)).equals(find_incumbents(sweep))
    assert len((run / "audit" / "history.jsonl").read_text().splitlines()) == 6  # Two lines each, start and end.


def test_what_is_refused_is_one_line(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(small.path)]) == 2
    assert "no trial of it was stopped early, so nothing was thrown away" in capsys.readouterr().err
    assert main(["audit", str(small.path / "nowhere")]) == 2
    assert "not a run folder" in capsys.readouterr().err
    assert main(["audit", str(small.path), "--sample-seed", "99999999999"]) == 2
    assert "sample-seed: 99999999999 is not allowed" in capsys.readouterr().err
