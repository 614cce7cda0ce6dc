"""Live classes and functions as what the command line calls them: ``my_layer.py:MyConv``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from spaces import UserError
from spaces.common.errors import quote

Architecture: TypeAlias = str | Callable[..., Any]
"""A name, ``my_layer.py:MyConv``, or the class or function itself."""


def name_architectures(given: Architecture | Sequence[Architecture]) -> str | list[str]:
    """The texts that stand for architectures.

    Args:
        given: one or several; a text, which may hold several names between commas, is returned as it is.

    Raises:
        UserError: an object that no other process could find.
    """
    if isinstance(given, str):
        return given
    several = given if isinstance(given, Sequence) else [given]
    return [each if isinstance(each, str) else find_reference(each) for each in several]


def find_reference(target: object) -> str:
    """``FILE:NAME`` of a class or function, which the processes that train import from there.

    Raises:
        UserError: it is neither, or is not found by a name in a file.
    """
    name, module = getattr(target, "__qualname__", None), sys.modules.get(getattr(target, "__module__", ""))
    if name is None or not callable(target):
        raise UserError(
            f"architectures: {quote(target)} is not a class or function; give a layer's class (not a layer), or a name"
        )
    if not name.isidentifier() or getattr(module, name, target) is not target:
        raise UserError(f"architectures: {name} is not found under that name in its file; define it at the file's top")
    try:
        path = Path(inspect.getsourcefile(target) or "")  # pyright: ignore[reportArgumentType]
    except (TypeError, OSError):
        path = Path()
    if not path.is_file():
        raise UserError(
            f"architectures: {name} is defined in no file, so the processes that train cannot import it; in a notebook "
            f"begin its cell with %%writefile my_layer.py, then give 'my_layer.py:{name}'"
        )
    if "," in str(path):
        raise UserError(f"architectures: {quote(str(path))} has a comma, which separates names; rename it")
    return f"{path.absolute()}:{name}"
