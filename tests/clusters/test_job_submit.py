"""``ray job submit``, in both forms of docs/clusters.md, to a head that asks for a token."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from search.training.engines import EngineChoice

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TINY = ["--samples", "1", "--epochs", "2", "--architectures", "conv"]
# Ray leaves out what .gitignore names, the compiled engine too, unless told otherwise.
UPLOAD = {"excludes": [".git", ".venv", "runs", "build", "results", "tests"]}

pytestmark = pytest.mark.slow


def test_sweeps_as_jobs(clusters: Any, sweeps: Any, tmp_path: Path) -> None:
    """By the installed command, and by the code that is uploaded."""
    port = sweeps.free_port()
    dashboard = ("--include-dashboard=true", f"--dashboard-port={port}", "--dashboard-host=127.0.0.1")
    cluster = clusters(*dashboard, "--num-cpus=1")
    submit = [str(BIN / "ray"), "job", "submit", "--address", f"http://127.0.0.1:{port}"]
    check_sweep(sweeps, cluster, tmp_path / "installed", *submit, "--", str(BIN / "invsearch"))
    upload = ["--working-dir", str(ROOT), "--runtime-env-json", json.dumps(UPLOAD)]
    check_sweep(sweeps, cluster, tmp_path / "uploaded", *submit, *upload, "--", str(BIN / "python"), "-m", "search")


def check_sweep(sweeps: Any, cluster: Any, run: Path, *command: str) -> None:
    done = subprocess.run(
        [*command, "sweep", *TINY, "--address", "auto", "--out", str(run)],
        cwd=run.parent,
        env=cluster.environment | {"RAY_RUNTIME_ENV_IGNORE_GITIGNORE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(sweeps.outcomes(run).values()) == ["completed"]
    assert "sweep complete" in done.stdout
    (record,) = (json.loads(path.read_bytes()) for path in run.glob("trials/*/record.json"))
    assert EngineChoice().explain_not_native() or record["makers"][0]["engine"].startswith("native")
