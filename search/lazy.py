"""Libraries that load at their first use, so that ``list``, ``status`` and ``--help`` answer at once.

``importlib.util.LazyLoader`` does not serve: in Python 3.11 a second ``import`` of a lazy module loads it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

HEAVY = ("networkx", "numpy", "pandas", "psutil", "scipy")


class Lazy(ModuleType):
    """Stands for a module until one of its attributes is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Loads the module."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        module = import_module(self.__name__)
        if self.__name__ == "numpy":  # scipy.special asks it for all that it has, and does nothing with this.
            module.__dict__["f2py"] = sys.modules.setdefault("numpy.f2py", Lazy("numpy.f2py"))
        self.__dict__.update(module.__dict__)
        return getattr(module, name)


def load_lazily() -> None:
    """Makes an import of a heavy library wait until something is asked of it."""
    for name in HEAVY:
        sys.modules.setdefault(name, Lazy(name))
