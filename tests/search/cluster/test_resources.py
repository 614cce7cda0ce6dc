"""The cores that a trial may count on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = "from search.cluster.resources import count_cores; print(count_cores())"
QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")


def count(*before: str) -> int:
    made = subprocess.run([*before, sys.executable, "-c", COUNT], stdout=subprocess.PIPE, text=True, check=True)
    return int(made.stdout)


def test_affinity_decides() -> None:
    assert count() <= len(os.sched_getaffinity(0))
    one = str(min(os.sched_getaffinity(0)))
    assert count("taskset", "-c", one) == 1


@pytest.mark.skipif(os.getuid() != 0 or not QUOTA.exists(), reason="needs root, and control groups of version 1")
@pytest.mark.parametrize("quota", [50_000, 100_000])
def test_quota_decides_and_half_a_core_is_one(tmp_path: Path, quota: int) -> None:
    """As a container sees it: the file of its quota is another one."""
    (tmp_path / "quota").write_text(f"{quota}\n")
    mount = f'mount --bind {tmp_path}/quota {QUOTA} && exec "$@"'
    assert count("unshare", "--mount", "sh", "-c", mount, "sh") == 1
