"""Where numbers come from: versions, revision, machine, command."""

from __future__ import annotations

import functools
import os
import platform
import shlex
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from search import __version__

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("torch", "ray", "hyperopt", "numpy", "pandas", "scikit-learn")


@functools.cache
def versions() -> dict[str, str]:
    """The version of Python and of every library that can change a number."""
    found = {"invsearch": __version__, "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in LIBRARIES}


@functools.cache
def made_by(device: str) -> dict[str, str]:
    """What a trial's record says of the process that computed it."""
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {
        "invsearch": versions()["invsearch"],
        "torch": versions()["torch"],
        "device": device,
        "device_name": name,
        "code": str(ROOT),
        "threads": str(torch.get_num_threads()),
        "host": socket.gethostname(),
    }


def revision() -> str | None:
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


def invocation() -> dict[str, object]:
    """This run of the program, for the run folder's history."""
    return {
        "command": shlex.join(["invsearch", *sys.argv[1:]]),
        "folder": str(Path.cwd()),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "revision": revision(),
        "versions": versions(),
    }
