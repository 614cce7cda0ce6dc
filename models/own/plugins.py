"""Layers and networks that others install: entry points of the group ``invsearch.architectures``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from models.own.sources import Sources
from spaces.common.errors import UserError, quote

GROUP = "invsearch.architectures"


def list_plugins() -> dict[str, str]:
    """Name -> which distribution has it and where. Nothing is imported, so that no broken plugin is in the way."""
    found = {}
    for entry in _list_entries():
        found.setdefault(entry.name, f"{_name_distribution(entry)} ({entry.value})")
    return dict(sorted(found.items()))


def find_plugin(name: str) -> metadata.EntryPoint | None:
    """The plugin of that name, if there is one.

    Raises:
        UserError: two distributions have one of that name.
    """
    entries = [entry for entry in _list_entries() if entry.name == name]
    if len({(_name_distribution(entry), entry.value) for entry in entries}) > 1:
        who = " and ".join(sorted(_name_distribution(entry) for entry in entries))
        raise UserError(f"architecture: {quote(name)} is a plugin of {who}; uninstall one of them")
    return entries[0] if entries else None


def load_plugin(entry: metadata.EntryPoint) -> tuple[Callable[..., Any], Sources, Callable[[str], bool]]:
    """What a plugin names, what is hashed of it, and whether a file is its own.

    Raises:
        Exception: whatever its import raises.
    """
    target = entry.load()
    module = sys.modules[entry.module]
    if module.__file__ is None:
        raise UserError(f"architecture: plugin {entry.name}: its module {entry.module} is not a file; name another one")
    file = Path(module.__file__)
    version = _name_distribution(entry).encode()
    top = sys.modules[entry.module.partition(".")[0]]
    folder = f"{Path(top.__file__).parent}/" if hasattr(top, "__path__") and top.__file__ else str(file)
    content = {file.name: file.read_bytes(), "distribution": version}
    return target, Sources(file.name, content), lambda filename: filename.startswith(folder)


def _list_entries() -> list[metadata.EntryPoint]:
    try:
        return list(metadata.entry_points(group=GROUP))
    except Exception:  # Some distribution's metadata are broken; that is no reason to stop anything else.
        return []


def _name_distribution(entry: metadata.EntryPoint) -> str:
    if entry.dist is None:
        return "unknown"
    return f"{entry.dist.name} {entry.dist.version}"
