"""Real sweeps in a world that is not made for them."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.harness import PATIENCE, Driver
from tests.plugin import in_workers

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
SMALL = ("--samples", "1", "--epochs", "1", "--architectures", "conv", "--out")
FOUR = ("--samples", "4", "--epochs", "20", "--scheduler", "none")


def test_folders_of_our_names_a_long_temporary_folder_and_no_home(tmp_path: Path) -> None:
    for name in ("spaces", "models", "search"):
        (tmp_path / name).mkdir()
    (tmp_path / "analysis.py").write_text("raise RuntimeError('not ours')\n")
    with tempfile.TemporaryDirectory(prefix="x" * 75, dir="/tmp") as long:
        environment = {"PYTHONPATH": ".", "TMPDIR": long, "HOME": "/proc", "RAY_ADDRESS": "", "PYTHONWARNINGS": "error"}
        driver = Driver("sweep", *SMALL, str(tmp_path / "run"), environment=environment, folder=tmp_path)
        assert driver.wait() == 0, driver.errors
        assert not (Path(long) / "ray").exists()


def test_an_error_that_keeps_workers_from_starting_is_told_at_once(tmp_path: Path) -> None:
    in_workers(tmp_path, "sys.modules['search.tuning.trainable'] = None\n")
    run = tmp_path / "run"
    bad = Driver("sweep", *SMALL, str(run), environment={"PYTHONPATH": str(tmp_path)})
    assert bad.wait() == 3
    last = bad.errors.splitlines()[-1]
    assert last.startswith(
        "invsearch: a worker cannot start: ModuleNotFoundError: import of search.tuning.trainable halted;"
    )
    assert not list(run.glob("trials/*/verdict.json"))
    good = Driver("sweep", *SMALL, str(run))
    assert good.wait() == 0, good.errors


def swept(before: str, *words: str) -> str:
    """What a sweep said that succeeded as the end of a line of shell."""
    line = f"{before} {shlex.join([sys.executable, '-m', 'search', 'sweep', *words])}"
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_limit_of_addresses_and_an_affinity_to_one_core(tmp_path: Path) -> None:
    """Eight gigabytes are more than the object store, and less than the store and the libraries together."""
    core = min(os.sched_getaffinity(0))
    swept(f"ulimit -v 8000000; exec taskset -c {core}", *SMALL, str(tmp_path / "run"), *FOUR)
    check_one_at_once(tmp_path / "run")


@pytest.mark.skipif(os.getuid() != 0 or not QUOTA.exists(), reason="needs root, and control groups of version 1")
def test_a_quota_of_half_a_core(tmp_path: Path) -> None:
    """As a container sees it: the file of its quota is another one."""
    (tmp_path / "quota").write_text("50000\n")
    inside = f"mount --bind {tmp_path}/quota {QUOTA} && exec"
    swept(f"unshare --mount sh -c '{inside} \"$@\"' sh", *SMALL, str(tmp_path / "run"), *FOUR)
    check_one_at_once(tmp_path / "run")


def check_one_at_once(run: Path) -> None:
    """Four trials ended, and their rows do not interleave."""
    records = [json.loads(path.read_text()) for path in run.glob("trials/*/record.json")]
    rows = sorted((row["time"], number) for number, record in enumerate(records) for row in record["rows"])
    order = [number for number, _ in itertools.groupby(number for _, number in rows)]
    assert len(order) == len(set(order)) == 4
