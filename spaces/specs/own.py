"""A user's own architectures, as a run keeps them: where they came from and what they take, but not their code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

from spaces.common import fields
from spaces.common.errors import UserError, quote
from spaces.common.lookup import choose

MAX_NAMES = 100  # Hyperparameters of one constructor.
TEXT = fields.Field(lambda value: type(value) is str and 0 < len(value) <= 4096, "a text of at most 4096 characters")
FIELDS = {  # And takes.
    "reference": TEXT,
    "digest": fields.HASH,
    "kind": fields.make_one_of("layer", "network"),
}


@dataclass(frozen=True)
class Own:
    """A layer or network of the user's, under its name in a run, which ends in the first digits of the digest.

    Attributes:
        reference: what the user gave, with an absolute path: ``/home/me/my_layer.py:MyConv@C``.
        digest: of its code; other code is another architecture.
        kind: ``layer`` or ``network``.
        takes: the hyperparameters beyond lr, momentum and weight_decay that it takes, sorted.

    Raises:
        UserError: a field that is not allowed.
    """

    reference: str
    digest: str
    kind: str
    takes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, field in FIELDS.items():
            field.check(f"own: {name}", getattr(self, name))
        names = self.takes
        sound = isinstance(names, tuple) and len(names) <= MAX_NAMES and all(type(name) is str for name in names)
        if not sound or list(names) != sorted(set(names)):
            raise UserError(f"own: takes: {quote(names)} is not allowed; give names in order, each once")

    @classmethod
    def from_dict(cls, content: Any) -> Own:
        """Reads what ``dataclasses.asdict`` made of one.

        Raises:
            UserError: another thing, or a field that is not allowed.
        """
        names = {field.name for field in dataclass_fields(cls)}
        if not isinstance(content, Mapping) or set(content) != names:
            raise UserError(f"own: {quote(content)} is not how invsearch writes an architecture of one's own")
        takes = content["takes"]
        return cls(**{**content, "takes": tuple(takes) if isinstance(takes, list) else takes})


def choose_architecture(text: str, spec: Mapping[str, Any]) -> str:
    """The name of an architecture of a run, of which one of the user's own may lack the digits at its end.

    Args:
        text: a name; or of a user's own ``MyConv``, or ``FILE.py:MyConv`` as it was given.
        spec: the content of the run's spec.json.

    Raises:
        UserError: the run has none of that name, or several.
    """
    if text in spec["architectures"]:
        return text
    like = [
        name
        for name, own in (spec.get("own") or {}).items()
        if text in (label := name.rpartition("-")[0], label.partition("@")[0])
        or os.path.abspath(text) == own["reference"]
    ]
    if len(like) > 1:
        raise UserError(f"architecture: {quote(text)} may be {', '.join(like)}; give one of these")
    return like[0] if like else choose("architecture", text, dict.fromkeys(spec["architectures"], ""))
