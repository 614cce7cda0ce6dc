"""Searches, reruns and the command line: joins spaces, models, Ray Tune and analysis."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

__version__ = "0.1.0"


class Siblings:
    """Finds the other packages beside this one, whatever of their names lies in the current folder or on PYTHONPATH.

    A plain folder there would win over an editable install. On the nodes of a cluster nothing lies beside this package,
    and others find them.
    """

    NAMES = ("spaces", "models", "analysis")
    ROOT = str(Path(__file__).resolve().parent.parent)

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What Python's import asks."""
        return PathFinder.find_spec(name, [cls.ROOT], target) if name in cls.NAMES else None


sys.meta_path.insert(0, Siblings)
