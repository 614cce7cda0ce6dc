"""Code that runs in the workers of a sweep, and only there."""

from __future__ import annotations

import textwrap
from pathlib import Path


def in_workers(folder: Path, code: str) -> None:
    """Leaves a ``sitecustomize.py``: with the folder on PYTHONPATH, every worker of Ray runs the code as it starts.

    So does the template from which workers are forked, once for all of them. Ray's other processes do not: what they
    would import (torch) keeps the node from starting in time.
    """
    guard = "import sys\nif any(part.endswith(('default_worker.py', 'template.py')) for part in sys.orig_argv):\n"
    (folder / "sitecustomize.py").write_text(guard + textwrap.indent(code, "    "))


def pace_epochs(folder: Path) -> None:
    """Has each epoch of a trial take 0.05 s or more: no machine is so fast that a sweep ends before its kills."""
    in_workers(
        folder,
        "import time, search.training.loop\n"
        "epoch = search.training.loop.Training.run_epoch\n"
        "def run_epoch(self):\n"
        "    start = time.monotonic()\n"
        "    found = epoch(self)\n"
        "    time.sleep(max(0.0, start + 0.05 - time.monotonic()))\n"
        "    return found\n"
        "search.training.loop.Training.run_epoch = run_epoch\n",
    )
