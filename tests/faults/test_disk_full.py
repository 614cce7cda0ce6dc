"""A disk that fills up while a sweep runs, and is enlarged afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import finish
from tests.faults.invariants import Witness, check_complete, records

pytestmark = pytest.mark.slow
SHAPE = ["--samples", "3", "--epochs", "30", "--scheduler", "none", "--keep-checkpoints", "all"]
SIZES = ["400k", "600k", "20m"]  # The whole run takes 864k.


def mounted(folder: Path, size: str, *more: str) -> bool:
    line = ["mount", "-t", "tmpfs", "-o", ",".join([*more, f"size={size}"]), "tmpfs", str(folder)]
    return subprocess.run(line, capture_output=True).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted(folder, SIZES[0]):
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # A worker may end later than its driver.


def test_the_disk_is_full(small_disk: Path) -> None:
    """The sweep ends in one line, what it recorded is readable, and with room it goes on to its end."""
    run = small_disk / "run"
    line = ["sweep", "--dataset", "digits", *SHAPE, "--out", str(run)]
    witness = Witness(run)
    for size in SIZES[1:]:
        code, errors = finish(*line)
        assert code == 3, errors
        assert "Traceback" not in errors
        assert "No space left on device; to resume: invsearch sweep" in errors.splitlines()[-1]
        assert records(run)
        assert finish("check", str(run))[0] == 0
        witness.look()
        assert mounted(small_disk, size, "remount")
    code, errors = finish(*line)
    assert code == 0, errors
    witness.look()
    check_complete(run)
