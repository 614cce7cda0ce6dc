"""Real sweeps in a world that is not made for them."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.harness import PATIENCE, Driver
from tests.plugin import in_workers

pytestmark = pytest.mark.slow
SMALL = ("--samples", "1", "--epochs", "1", "--architectures", "conv", "--out")


def test_folders_of_our_names_a_long_temporary_folder_and_no_home(tmp_path: Path) -> None:
    for name in ("spaces", "models", "search"):
        (tmp_path / name).mkdir()
    (tmp_path / "analysis.py").write_text("raise RuntimeError('not ours')\n")
    with tempfile.TemporaryDirectory(prefix="x" * 75, dir="/tmp") as long:
        environment = {"PYTHONPATH": ".", "TMPDIR": long, "HOME": "/proc"}
        driver = Driver("sweep", *SMALL, str(tmp_path / "run"), environment=environment, folder=tmp_path)
        assert driver.wait() == 0, driver.errors
        assert not (Path(long) / "ray").exists()


def test_an_error_that_keeps_workers_from_starting_is_told_at_once(tmp_path: Path) -> None:
    in_workers(tmp_path, "sys.modules['search.trainable'] = None\n")
    run = tmp_path / "run"
    bad = Driver("sweep", *SMALL, str(run), environment={"PYTHONPATH": str(tmp_path)})
    assert bad.wait() == 3
    last = bad.errors.splitlines()[-1]
    assert last.startswith("invsearch: a worker cannot start: ModuleNotFoundError: import of search.trainable halted;")
    assert not list(run.glob("trials/*/verdict.json"))
    good = Driver("sweep", *SMALL, str(run))
    assert good.wait() == 0, good.errors


def test_a_limit_of_addresses(tmp_path: Path) -> None:
    """Eight gigabytes are more than the object store, and less than the store and the libraries together."""
    program = Path(__file__).resolve().parents[2] / "search"
    words = [sys.executable, "-m", program.name, "sweep", *SMALL, str(tmp_path / "run")]
    line = f"ulimit -v 8000000; exec {shlex.join(words)}"
    done = subprocess.run(["sh", "-c", line], cwd=program.parent, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
