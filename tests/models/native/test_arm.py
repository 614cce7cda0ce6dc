"""The engine on 64-bit ARM, under qemu: the tests of test_network.py, and the random networks of drive.cpp.

    make test-arm   # installs the cross compiler, clang and qemu where they are missing

qemu says nothing about speed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.native.library import FOLDER
from tests.building import describe_libraries

ROOT = FOLDER.parent.parent
HERE = Path(__file__).parent
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
CROSS = "aarch64-linux-gnu-g++"
CLANG = ("clang++", "--target=aarch64-linux-gnu")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
SANITIZE = (
    "-O1",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-static-libasan",
    "-static-libubsan",
)
COMPILERS = {"gcc": (CROSS,), "clang": CLANG}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which(CROSS) is None, reason=f"no {CROSS} (make test-arm installs it)"),
]
emulated = pytest.mark.skipif(QEMU is None, reason="no qemu-aarch64 (make test-arm installs it)")


@pytest.fixture(params=COMPILERS)
def compiler(request: pytest.FixtureRequest) -> str:
    if shutil.which(COMPILERS[request.param][0]) is None:
        pytest.skip(f"no {COMPILERS[request.param][0]} (make test-arm installs it)")
    return request.param


@pytest.fixture
def flags(compiler: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What setup.py compiles with on ARM."""
    libraries = describe_libraries(monkeypatch, "linux", "aarch64", cxx=COMPILERS[compiler][0])
    return [*COMPILERS[compiler], *libraries["neon"], *WARNINGS, f"-I{FOLDER}"]


def compile_program(flags: list[str], source: str, folder: Path) -> Path:
    program = folder / source.removesuffix(".cpp")
    subprocess.run([*flags, str(HERE / source), "-o", str(program)], check=True, timeout=300)
    return program


@emulated
def test_networks_agree_with_float64(compiler: str, flags: list[str], tmp_path: Path) -> None:
    assert QEMU is not None
    program = compile_program([*flags, "-static"], "remote.cpp", tmp_path)
    tests = ["tests/models/native/test_network.py"]
    if compiler == "gcc":  # And the eight networks of Table 1.4.
        tests += [
            "tests/search/training/engines/test_contract.py",
            "-k",
            "test_network or (test_gradients_agree and native)",
        ]
    options = ["-p", "tests.models.native.emulated", "-p", "no:cacheprovider", "-q"]
    environment = os.environ | {"EMULATED": f"neon {QEMU} {program}"}
    command = [sys.executable, "-m", "pytest", *options, *tests]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 70
    assert "skipped" not in done.stdout
    # The products are NEON's fused multiplications of four.
    code = subprocess.run(["aarch64-linux-gnu-objdump", "-d", program], capture_output=True, text=True, check=True)
    assert len(re.findall(r"\sfmla\s+v\d+\.4s", code.stdout)) > 1000


@emulated
@pytest.mark.parametrize("compiler", ["gcc"], indirect=True)  # Debian has no sanitizers of clang's for ARM.
def test_sanitizers_find_nothing(flags: list[str], tmp_path: Path) -> None:
    """Without leaks, which cannot be looked for under an emulator."""
    assert QEMU is not None
    program = compile_program([*flags, *SANITIZE], "drive.cpp", tmp_path)
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    command = [QEMU, "-L", "/usr/aarch64-linux-gnu", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "300 networks\n", "")
