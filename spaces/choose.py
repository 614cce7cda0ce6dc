"""Looks a user's name up in an explicit dict."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

from spaces.errors import UserError, quoted

T = TypeVar("T")


def choose(what: str, name: str, known: Mapping[str, T]) -> T:
    """Returns ``known[name]``.

    Raises:
        UserError: no such name; says the nearest one, if any is near, and all of them.
    """
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UserError(f"{what}: {quoted(name)} is unknown; {hint}choose one of {', '.join(known)}")
