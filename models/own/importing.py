"""Imports the user's file, and the modules beside it that it imports, apart from everything else.

Each is compiled from the very bytes that are hashed, kept and sent to workers, and leaves ``sys.modules`` afterwards,
so that two files with a ``helper`` each do not meet, and none hides a package of invsearch. The folder is not on
``sys.path``: a worker has only the bytes, and what it could not do is not done here either.
"""

from __future__ import annotations

import importlib
import linecache
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import decode_source
from pathlib import Path
from types import CodeType, ModuleType
from typing import Protocol

from models.own.sources import MAX_BYTES, Sources
from spaces.common.errors import UserError

NOWHERE = "/copied-with-the-run"
"""The folder that ``__file__`` names: on no machine is there anything beside a module."""

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spaces", "models", "search", "analysis", "invsearch", "invsearch_start")
LOCK = threading.RLock()  # ``sys.modules`` is one for all threads.


class Shelf(Protocol):
    """Where modules are taken from."""

    def read(self, path: str) -> bytes | None:
        """The content of a file; None where there is none."""
        ...

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        ...


class FolderShelf:
    """A folder on the disk.

    invsearch's own packages do not count as the user's, even where the file lies beside them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._ours = folder, folder.resolve() == ROOT

    def read(self, path: str) -> bytes | None:
        """The content of a file; None where there is none, or it is ours."""
        place = self._folder / path
        if self._is_ours(path) or not place.is_file():
            return None
        return place.read_bytes()

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder, and it is not ours."""
        return not self._is_ours(path) and (self._folder / path).is_dir()

    def _is_ours(self, path: str) -> bool:
        return self._ours and Path(path).parts[0].removesuffix(".py") in PACKAGES


class KeptShelf:
    """Files that are there as bytes."""

    def __init__(self, sources: Sources) -> None:
        self._sources, self._folders = sources, sources.list_folders()

    def read(self, path: str) -> bytes | None:
        """The content of a file; None where there is none."""
        return self._sources.files.get(path)

    def has_folder(self, path: str) -> bool:
        """Whether a file lies in it."""
        return path in self._folders


class Importer(MetaPathFinder, Loader):
    """Finds and loads the user's modules.

    Args:
        shelf: where they are.
        shown: the folder that tracebacks and messages name.

    Attributes:
        files: what was imported so far: relative path -> content.
        modules: their names and themselves; they stay alive with this.
    """

    def __init__(self, shelf: Shelf, shown: Path) -> None:
        self._shelf, self._shown = shelf, shown
        self.files: dict[str, bytes] = {}
        self.modules: dict[str, ModuleType] = {}
        self._code: dict[str, str] = {}  # Module name -> relative path.

    def owns(self, filename: str) -> bool:
        """Whether a traceback's file is one of these."""
        return any(filename == str(self._shown / path) for path in self.files)

    def claims(self, name: str) -> bool:
        """Whether a top-level module of that name is the user's. Python's own win, as a name means one thing there."""
        if name in sys.stdlib_module_names:
            return False
        if self._shelf.read(f"{name}.py") is not None or self._shelf.read(f"{name}/__init__.py") is not None:
            return True
        module = sys.modules.get(name)  # A plain folder counts only where nobody else has the name.
        paths = getattr(module, "__path__", ())
        return self._shelf.has_folder(name) and str(self._shown / name) in [str(path) for path in paths]

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """What Python's import asks."""
        top, dot, _ = fullname.partition(".")
        if top in sys.stdlib_module_names or (dot and top not in self.modules):
            return None
        stem = fullname.replace(".", "/")
        for relative, is_package in ((f"{stem}/__init__.py", True), (f"{stem}.py", False)):
            content = self._shelf.read(relative)
            if content is not None:
                self.files[relative], self._code[fullname] = content, relative
                spec = ModuleSpec(fullname, self, origin=f"{NOWHERE}/{relative}", is_package=is_package)
                spec.has_location = True
                if is_package:
                    spec.submodule_search_locations = [f"{NOWHERE}/{stem}"]
                return spec
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        if not self._shelf.has_folder(stem) or (not dot and any(other.find_spec(fullname, None) for other in others)):
            return None
        spec = ModuleSpec(fullname, self, is_package=True)  # A folder without __init__.py.
        spec.submodule_search_locations = [f"{NOWHERE}/{stem}"]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module's code."""
        self.modules[module.__name__] = module
        if module.__name__ in self._code:
            exec(self._compile(self._code[module.__name__]), module.__dict__)

    def _compile(self, relative: str) -> CodeType:
        if sum(map(len, self.files.values())) > MAX_BYTES:
            raise ImportError(f"the modules have more than {MAX_BYTES} bytes of code; import fewer")
        content, shown = self.files[relative], str(self._shown / relative)
        code = compile(content, shown, "exec", dont_inherit=True)
        # For tracebacks, and for what reads sources, such as torch.jit.script, where the file itself is not there.
        linecache.cache[shown] = (len(content), None, decode_source(content).splitlines(keepends=True), shown)
        return code


@contextmanager
def hidden(importer: Importer, but: Collection[str] = ()) -> Iterator[None]:
    """Takes modules whose names are the user's out of ``sys.modules`` for the time of a ``with`` block.

    What came under such a name meanwhile goes, and what was there comes back.

    Args:
        importer: whose names are taken out.
        but: packages that stay.
    """
    with LOCK:
        tops = {name.partition(".")[0] for name in sys.modules}
        claimed = {top for top in tops - set(but) if importer.claims(top)}
        kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in claimed}
        for name in kept:
            del sys.modules[name]
        path = list(sys.path)
        try:
            yield
        finally:
            for name in list(sys.modules):
                if name in importer.modules or name.partition(".")[0] in claimed:
                    del sys.modules[name]
            sys.modules.update(kept)
            sys.path[:] = path


def import_main(importer: Importer, main: str) -> ModuleType:
    """Imports the file, and with it what it imports.

    Args:
        importer: a new one.
        main: the file's own name, such as ``my_layer.py``.

    Raises:
        Exception: whatever the file raises.
    """
    from models.own.seeding import seeded

    with hidden(importer), redirect_stdout(sys.stderr), seeded(0):
        sys.meta_path.insert(0, importer)
        try:
            module = importlib.import_module(main.removesuffix(".py"))
        finally:
            sys.meta_path.remove(importer)
    if module.__name__ not in importer.modules:
        raise UserError(f"architecture: {main}: its name is taken by another module; rename the file")
    return module
