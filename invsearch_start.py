"""Where the command ``invsearch`` begins: a module whose name hardly anybody else uses."""

import signal
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent


def refuse_shadows() -> None:
    """Refuses code of the user's own under the names of our packages, of which a program can import only one.

    Raises:
        ImportError: there is some; its message names both places and the ways out.
    """
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    for name in ("spaces", "models", "search", "analysis"):
        found = sys.modules[name].__spec__ if name in sys.modules else PathFinder.find_spec(name, elsewhere)
        # A folder without any Python is no package of the user's; perhaps it is where the weights lie.
        folders = [Path(folder) for folder in (found and found.submodule_search_locations) or ()]
        code = [path for folder in folders for path in folder.glob("*.py")]
        code += [Path(found.origin)] if found and found.origin else []
        theirs = [path for path in code if HERE / name not in path.resolve().parents]
        if theirs:
            raise ImportError(
                f"{theirs[0]} and the package {HERE / name} of invsearch have the same name, and a program can import "
                f"only one of them; rename yours, leave its folder out of sys.path, or use the command invsearch, "
                "which always finds its own packages"
            )


def take_packages() -> None:
    """Makes the packages beside this file those that are imported, even where folders of their names are in the way."""
    if hasattr(sys.modules.get("search"), "Siblings"):
        return
    spec = PathFinder.find_spec("search", [str(HERE)])
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
