"""Looks a user's name up in an explicit dict."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from spaces.common.errors import UserError, quote

T = TypeVar("T")


def choose(what: str, name: str, known: Mapping[str, T], more: Iterable[str] = ()) -> T:
    """Returns ``known[name]``; a message calls it a ``what`` and also lists ``more``, such as a kind of name.

    Raises:
        UserError: no such name; says the nearest one, if any is near, and all of them.
    """
    if name in known:
        return known[name]
    raise UserError(
        f"{what}: {quote(name)} is unknown; {suggest_nearest(name, known)}choose one of {', '.join([*known, *more])}"
    )


def suggest_nearest(name: str, known: Iterable[str]) -> str:
    """A question that names the known name nearest to ``name``, or nothing if none is near."""
    name, names = str(name), list(known)
    begun = [other for other in names if len(name) > 2 and other.startswith(name)]  # MyConv of MyConv-1f2e3d4c.
    near = begun or difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}? " if near else ""
