"""The engine under AddressSanitizer (with leaks) and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from models.native import BUILDS
from models.native.library import FOLDER, open_library
from tests.building import describe_libraries

SANITIZE = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
@pytest.mark.parametrize("isa", BUILDS)
def test_sanitizers_find_nothing(isa: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if open_library(isa) is None:
        pytest.skip(f"this machine has no {isa}")
    source, program = Path(__file__).with_name("drive.cpp"), tmp_path / "drive"
    flags = describe_libraries(monkeypatch)[isa]
    command = ["g++", *flags, *SANITIZE, f"-I{FOLDER}"]
    subprocess.run([*command, str(source), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == (0, "300 networks\n", "")
