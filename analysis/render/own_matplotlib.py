"""matplotlib, imported as it comes: neither a user's files nor the environment can keep it from being imported.

A settings file that cannot be decoded and a backend that is not installed here, as in a terminal of Jupyter, end its
import with an error. Settings of a matplotlib that the process has already do not matter either: see ``paper.printed``.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

NAMES = ("MATPLOTLIBRC", "MPLBACKEND")


def _import() -> None:
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        raise ImportError("matplotlib is not installed")
    theirs = {name: os.environ.pop(name) for name in NAMES if name in os.environ}
    os.environ["MATPLOTLIBRC"] = str(Path(found.origin).parent / "mpl-data" / "matplotlibrc")
    try:
        importlib.import_module("matplotlib")
    finally:
        del os.environ["MATPLOTLIBRC"]
        os.environ.update(theirs)


_import()
