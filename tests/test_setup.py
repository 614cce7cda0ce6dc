"""The install: with a C++ compiler, without one, and what it puts where."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def build(target: Path, path: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "setup.py", "build_ext", f"--build-lib={target}", f"--build-temp={target / 'objects'}"]
    environment = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")} | {"PATH": path}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_without_a_compiler_the_install_goes_on(tmp_path: Path) -> None:
    done = build(tmp_path, path="/nonexistent")
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*.so"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_with_a_compiler_there_is_a_library_for_each_instruction_set(tmp_path: Path) -> None:
    done = build(tmp_path, path=os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    names = {path.name.split(".")[0] for path in (tmp_path / "models" / "native").glob("*.so")}
    assert names == ({"_avx512", "_avx2", "_baseline"} if platform.machine() == "x86_64" else {"_baseline"})
    for path in (tmp_path / "models" / "native").glob("*.so"):
        assert ctypes.CDLL(str(path)).invsearch_supported() >= 0


def test_the_source_distribution_can_be_compiled(tmp_path: Path) -> None:
    command = [sys.executable, "setup.py", "sdist", f"--dist-dir={tmp_path}"]
    egg = ["egg_info", f"--egg-base={tmp_path}"]
    subprocess.run([*command[:2], *egg, *command[2:]], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        packed = {Path(name).name for name in archive.getnames()}
    assert {path.name for path in (ROOT / "models" / "native").glob("*.[ch]pp")} <= packed
