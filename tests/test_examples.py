"""Every script of examples/ runs, and says what it is about to say."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUN = "table-1.3-digits"
SAID = {
    # (9 * 7 + 7) + (9 * 7 * 49 + 49) + (10 * 10 + 10) and (7 * 7 + 7) + (7 * 7 * 49 + 49) + (10 * 10 + 10).
    "compare_networks.py": ["Convolutional: 3316 learned weights", "Invariant: 2616 learned weights", "to (4, 10)"],
    "read_a_run.py": ["conv", "invariant", "val_accuracy", "0.3160"],
}


def test_every_example_is_tested() -> None:
    layers = {"depthwise.py"}  # tests/models/own/test_examples.py trains them.
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == SAID.keys() | layers


@pytest.mark.parametrize("name", SAID)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    with tarfile.open(ROOT / "results" / RUN / "run.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    command = [sys.executable, str(ROOT / "examples" / name), str(tmp_path / RUN)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for words in SAID[name]:
        assert words in done.stdout
