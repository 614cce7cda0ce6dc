"""Where numbers come from: versions, revision, machine, command."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import search
import spaces
from search import __version__
from spaces.common.wording import format_command

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (".py", ".cpp", ".hpp")
LIBRARIES = ("torch", "ray", "hyperopt", "numpy", "pandas", "scikit-learn")


@functools.cache
def list_versions() -> dict[str, str]:
    """The version of Python and of every library that can change a number."""
    found = {"invsearch": __version__, "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in LIBRARIES}


def describe_maker(device: str) -> dict[str, str]:
    """What a trial's record says of the process that computed it."""
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {
        "invsearch": list_versions()["invsearch"],
        "torch": list_versions()["torch"],
        "numpy": list_versions()["numpy"],
        "code": compute_code_digest(),
        "device": device,
        "device_name": name,
        "threads": str(torch.get_num_threads()),
        "host": socket.gethostname(),
    }


def describe_expected_nodes() -> dict[str, str]:
    """What every node of a cluster must have as the driver has it."""
    return {name: list_versions()[name] for name in ("invsearch", "torch", "numpy")} | {"code": compute_code_digest()}


def list_code_folders() -> dict[str, Path]:
    """Where the packages lie that can change a number; Ray uploads each to a folder of its own."""
    import models  # torch, which --help need not wait for.

    return {package.__name__: Path(package.__path__[0]) for package in (spaces, models, search)}


@functools.cache
def compute_code_digest() -> str:
    """The beginning of the SHA-256 of all source files that can change a number: another code, another digest."""
    found = hashlib.sha256()
    for name, folder in list_code_folders().items():
        for path in sorted(folder.rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                found.update(f"{name}/{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:12]


def find_revision() -> str | None:
    """The git revision of this code, ``-dirty`` where it has been changed; None outside a checkout."""
    if not (ROOT / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None


def describe_invocation() -> dict[str, object]:
    """This run of the program, for the run folder's history."""
    return {
        "command": format_command("invsearch", *sys.argv[1:]),
        "folder": str(Path.cwd()),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "revision": find_revision(),
        "versions": list_versions(),
    }
