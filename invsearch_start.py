"""Where the command ``invsearch`` begins: a module whose name hardly anybody else uses."""

import signal
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def take_packages() -> None:
    """Makes the packages beside this file those that are imported, even where folders of their names are in the way."""
    if hasattr(sys.modules.get("search"), "Siblings"):
        return
    spec = PathFinder.find_spec("search", [str(Path(__file__).resolve().parent)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules["search"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["search"])


def main() -> int:
    """Runs the command line."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Until it is handled, it ends this without a word.
    take_packages()
    from search.lazy import load_lazily

    load_lazily()
    from search.cli import main as run

    return run()
