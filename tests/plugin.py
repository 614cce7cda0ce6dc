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
