"""The engine compiles without a warning by clang, for each instruction set and as on macOS."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from models.native import BUILDS
from models.native.library import FOLDER
from tests.building import describe_libraries

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("clang++") is None, reason="no clang++ (make test-arm installs it)"),
]
X86 = [isa for isa in BUILDS if isa != "neon"]  # test_arm.py has that one.


@pytest.mark.parametrize("isa", X86)
def test_clang_does_not_warn(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = describe_libraries(monkeypatch, "linux", "x86_64", cxx="clang++")[isa]
    options = ["--target=x86_64-linux-gnu", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    done = subprocess.run(["clang++", *options, *flags, FOLDER / "engine.cpp"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("isa", BUILDS)
def test_clang_takes_the_flags_for_macos(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands are printed and not run: the headers of macOS are not here."""
    both = "-arch arm64 -arch x86_64"
    flags = describe_libraries(monkeypatch, "darwin", "arm64", archflags=both)[isa]
    options = ["--target=arm64-apple-macos11", "-stdlib=libc++", "-Werror", "-###", "-c"]
    done = subprocess.run(["clang++", *options, *flags, FOLDER / "engine.cpp"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warning:" not in done.stderr
    triple = "arm64-apple-macosx11.0.0" if isa == "neon" else "x86_64-apple-macosx11.0.0"
    assert f'"-triple" "{triple}"' in done.stderr
