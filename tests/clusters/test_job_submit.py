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


@pytest.mark.parametrize("uploaded", [False, True], ids=["installed", "uploaded"])
def test_a_sweep_as_a_job(clusters: Any, sweeps: Any, tmp_path: Path, uploaded: bool) -> None:
    run = tmp_path / "run"
    port = sweeps.free_port()
    dashboard = ("--include-dashboard=true", f"--dashboard-port={port}", "--dashboard-host=127.0.0.1")
    cluster = clusters(*dashboard, "--num-cpus=1")
    entry = [str(BIN / "invsearch")]
    options = []
    if uploaded:
        entry = [str(BIN / "python"), "-m", "search"]
        options = ["--working-dir", str(ROOT), "--runtime-env-json", json.dumps(UPLOAD)]
    submit = [str(BIN / "ray"), "job", "submit", "--address", f"http://127.0.0.1:{port}", *options, "--"]
    done = subprocess.run(
        [*submit, *entry, "sweep", *TINY, "--address", "auto", "--out", str(run)],
        cwd=tmp_path,
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
