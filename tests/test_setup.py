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

from models.native import BUILDS
from tests.building import describe_libraries

ROOT = Path(__file__).resolve().parent.parent


def build(target: Path, path: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "setup.py", "build_ext", f"--build-lib={target}", f"--build-temp={target / 'objects'}"]
    environment = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")} | {"PATH": path}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_without_a_compiler_the_install_goes_on(tmp_path: Path) -> None:
    done = build(tmp_path, path="/nonexistent")
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*.so"))


X86, ARM = {"avx512", "avx2", "baseline"}, {"neon"}


def test_each_processor_has_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe_libraries(monkeypatch, "linux", "x86_64").keys() == X86
    assert describe_libraries(monkeypatch, "linux", "aarch64").keys() == ARM
    assert describe_libraries(monkeypatch, "linux", "riscv64").keys() == {"baseline"}
    assert set(BUILDS) == X86 | ARM


def test_only_gcc_is_told_what_clang_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "-fno-schedule-insns" in describe_libraries(monkeypatch, "linux", "aarch64")["neon"]
    assert "-fno-schedule-insns" not in describe_libraries(monkeypatch, "linux", "aarch64", cxx="clang++-14")["neon"]
    assert "-fno-schedule-insns" not in describe_libraries(monkeypatch, "darwin", "arm64")["neon"]


BOTH = "-Wall -arch arm64 -arch x86_64 -g"


@pytest.mark.parametrize(
    ("machine", "given", "names"),
    [
        ("arm64", {}, ARM),  # Homebrew's Python, say.
        ("x86_64", {}, X86),
        ("arm64", {"python": BOTH}, ARM | X86),  # python.org's.
        ("x86_64", {"python": BOTH, "archflags": "-arch x86_64"}, X86),
        ("arm64", {"archflags": "-arch x86_64 -arch arm64"}, ARM | X86),
    ],
)
def test_on_macos_each_library_is_for_one_processor(
    machine: str, given: dict[str, str], names: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = describe_libraries(monkeypatch, "darwin", machine, **given)
    assert found.keys() == names
    for name, flags in found.items():
        where = flags.index("-arch")
        assert flags.count("-arch") == 1
        assert flags[where + 1] == ("arm64" if name in ARM else "x86_64")
        assert ("-mavx2" in flags) == (name in ("avx2", "avx512"))
        assert ("-march=x86-64" in flags) == (name in X86)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_with_a_compiler_there_is_a_library_for_each_instruction_set(tmp_path: Path) -> None:
    done = build(tmp_path, path=os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    names = {path.name.split(".")[0] for path in (tmp_path / "models" / "native").glob("*.so")}
    expected = {"x86_64": X86, "aarch64": ARM, "arm64": ARM}.get(platform.machine(), {"baseline"})
    assert names == {f"_{name}" for name in expected}
    for path in (tmp_path / "models" / "native").glob("*.so"):
        assert ctypes.CDLL(str(path)).invsearch_supported() >= 0


def test_the_source_distribution_has_the_sources_of_the_engine(tmp_path: Path) -> None:
    command = [sys.executable, "setup.py", "sdist", f"--dist-dir={tmp_path}"]
    egg = ["egg_info", f"--egg-base={tmp_path}"]
    subprocess.run([*command[:2], *egg, *command[2:]], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        packed = {Path(name).name for name in archive.getnames()}
    assert {path.name for path in (ROOT / "models" / "native").glob("*.[ch]pp")} <= packed
