"""How a layer or network of the user's own is named: ``my_layer.py:MyConv``, ``..:MyConv@B+C``, or a plugin's name."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from spaces.common import fields
from spaces.common.errors import UserError, quote

FORMS = "write FILE.py:NAME, or for the network of Table 1.5 FILE.py:NAME@C or @B+C (at another width: @C-w16)"
PLACES = re.compile(r"([A-H](?:\+[A-H])*)(?:-w([1-9][0-9]{0,3}))?")
KEPT = re.compile(r"(.+)-([0-9a-f]{8})")
DIGITS = 8
"""Of the digest, at the end of a name."""


@dataclass(frozen=True)
class Reference:
    """What the user gave.

    Attributes:
        path: of the file, absolute; None for a plugin.
        name: of the class or function, or of the plugin.
        places: the convolutions of Table 1.5 that it replaces, as ``B+C``; empty for the network of Table 1.1.
        width: C of the network of Table 1.5; None: as usual.
    """

    path: Path | None
    name: str
    places: str = ""
    width: int | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Reads ``FILE.py:NAME@PLACES`` or ``PLUGIN@PLACES``.

        Raises:
            UserError: it is neither.
        """
        file, colon, last = text.rpartition(":")
        name, at, where = last.partition("@")
        if text.endswith(".py"):
            raise UserError(f"architecture: {quote(text)} names no class or function in that file; {FORMS}")
        if colon and not file.endswith(".py"):
            raise UserError(f"architecture: {quote(text)}: {quote(file)} is not a file that ends in .py; {FORMS}")
        if "," in file:
            raise UserError(f"architecture: {quote(text)}: its path has a comma, which separates names; rename it")
        if colon and not name.isidentifier():
            raise UserError(
                f"architecture: {quote(text)}: {quote(name)} is not the name of a class or function; {FORMS}"
            )
        found = PLACES.fullmatch(where)
        if at and found is None:
            raise UserError(f"architecture: {quote(text)}: @{where} is none of the places @A to @H; {FORMS}")
        letters = found[1].split("+") if found else []
        if letters != sorted(set(letters)):
            usual = "+".join(sorted(set(letters)))
            raise UserError(f"architecture: {quote(text)}: give each place once and in order, as @{usual}")
        # Not resolved: a link is named as it is, and its own folder is searched for what the file imports.
        path = Path(os.path.abspath(Path(file).expanduser())) if colon else None
        width = int(found[2]) if found and found[2] else None
        return cls(path, name, "+".join(letters), width)

    @property
    def label(self) -> str:
        """The name and the places, with which its name in a run begins."""
        places = f"@{self.places}" if self.places else ""
        return f"{self.name}{places}{'' if self.width is None else f'-w{self.width}'}"

    @property
    def main(self) -> str:
        """The name of the file in its folder.

        Raises:
            UserError: a module of that name would hide one of Python's, or cannot be imported.
        """
        assert self.path is not None
        stem = self.path.stem
        if stem in sys.stdlib_module_names or stem == "__init__" or "." in stem:
            raise UserError(f"architecture: {self.path}: cannot be imported under the name {stem}; rename the file")
        return self.path.name

    def name_with(self, digest: str) -> str:
        """Its name in a run.

        Raises:
            UserError: it would be too long, or begin with an underscore.
        """
        name = f"{self.label}-{digest[:DIGITS]}"
        if not fields.NAME.allows(name):
            raise UserError(
                f"architecture: {quote(self.label)} cannot name an architecture; rename the class or function, so that "
                "it begins with a letter, has only A-Z, a-z, 0-9 and _, and at most 40 of them"
            )
        return name

    def __str__(self) -> str:
        """What ``parse`` reads back."""
        return self.label if self.path is None else f"{self.path}:{self.label}"


def is_reference(text: str) -> bool:
    """Whether a name is that of a file's class or function."""
    return ":" in text or text.endswith(".py")


def split_kept(name: str) -> tuple[str, str] | None:
    """Label and digits of the name of a copy that a run keeps, such as ``MyConv-1f2e3d4c``; None for other names."""
    found = KEPT.fullmatch(name)
    return (found[1], found[2]) if found else None
