"""Where the command ``invsearch`` begins: a module whose name hardly anybody else uses."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def main() -> int:
    """Runs ``search.cli`` from the folder of this file, even where a folder ``search`` stands in the way."""
    spec = PathFinder.find_spec("search", [str(Path(__file__).resolve().parent)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules["search"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["search"])
    from search.cli import main as run

    return run()
