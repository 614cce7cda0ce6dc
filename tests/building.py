"""What setup.py would do, without doing it."""

from __future__ import annotations

import platform
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def describe_libraries(
    monkeypatch: pytest.MonkeyPatch,
    system: str = sys.platform,
    machine: str = platform.machine(),
    *,
    python: str = "",
    archflags: str = "",
    cxx: str = "",
) -> dict[str, list[str]]:
    """The compiler's flags for each library of the engine, here or on another machine.

    Args:
        monkeypatch: of the test.
        system: as ``sys.platform`` names it.
        machine: as ``platform.machine`` names it.
        python: the flags that the interpreter was compiled with.
        archflags: the environment's ``ARCHFLAGS``.
        cxx: the environment's ``CXX``.
    """
    with monkeypatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr("setuptools.setup", lambda **_: None)
        patch.setattr(sys, "platform", system)
        patch.setattr(platform, "machine", lambda: machine)
        patch.setattr("sysconfig.get_config_var", {"CFLAGS": python, "CXX": "c++"}.get)
        for name, value in {"ARCHFLAGS": archflags, "CXX": cxx}.items():
            patch.setenv(name, value)
        extensions = runpy.run_path(str(ROOT / "setup.py"))["NATIVE"]
    for each in extensions:  # What is linked is what was compiled.
        assert set(each.extra_link_args) <= set(each.extra_compile_args)
        assert bool(each.extra_link_args) == (system == "darwin")
    return {each.name.removeprefix("models.native._"): each.extra_compile_args for each in extensions}
