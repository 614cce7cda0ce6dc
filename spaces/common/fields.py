"""What the fields of specs and records may hold, and their names: strict, as run folders may come from strangers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spaces.common.errors import UserError, quote


@dataclass(frozen=True)
class Field:
    """What one field may hold: whether it ``allows`` a value, and the ``words`` for that, to follow "give"."""

    allows: Callable[[Any], bool]
    words: str

    def check(self, name: str, value: Any) -> None:
        """Refuses a value that is not allowed.

        Raises:
            UserError: naming the field, the value and what is allowed.
        """
        if not self.allows(value):
            raise UserError(f"{name}: {quote(value)} is not allowed; give {self.words}")


def make_whole(least: int, most: int) -> Field:
    """Whole numbers of an interval; True is none."""
    return Field(lambda value: type(value) is int and least <= value <= most, f"a whole number from {least} to {most}")


def make_number(least: float, most: float, words: str) -> Field:
    """Numbers of an interval, so finite ones; True is none."""
    return Field(lambda value: type(value) in (int, float) and least <= value <= most, words)


def make_one_of(*known: str) -> Field:
    """One of some words."""
    return Field(lambda value: type(value) is str and value in known, f"one of {', '.join(known)}")


def make_optional(field: Field) -> Field:
    """A field that may also be unset."""
    return Field(lambda value: value is None or field.allows(value), f"{field.words}, or nothing")


def _make_text(pattern: str, words: str) -> Field:
    matches = re.compile(pattern).fullmatch
    return Field(lambda value: type(value) is str and matches(value) is not None, words)


# Names of architectures and data sets become parts of paths, so no path can hide in one.
NAME = _make_text(
    r"[A-Za-z0-9][A-Za-z0-9+@_-]{0,59}", "a name of at most 60 of the characters A-Z, a-z, 0-9, +, -, _ and @"
)
HASH = _make_text(r"[0-9a-f]{1,64}", "at most 64 hexadecimal digits")
BATCH_SIZE = make_whole(1, 2**31 - 1)
SEED = make_whole(0, 2**63 - 1)  # What the generators and the tables can hold.


def name_option(name: str) -> str:
    """What the command line calls a field."""
    return {"max_epochs": "epochs", "rerun_seeds": "seeds"}.get(name, name.replace("_", "-"))


def format_setting(value: Any) -> str:
    """A setting as people write it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {format_setting(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(format_setting(item) for item in value) + "]"
    return "none" if value is None else str(value).removesuffix(".0") if isinstance(value, float) else str(value)
