"""A user's own architectures, as a run keeps them: where they came from and what they take, but not their code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

from spaces.common import fields
from spaces.common.errors import UserError, quote

MAX_NAMES = 100  # Hyperparameters of one constructor.
TEXT = fields.Field(lambda value: type(value) is str and 0 < len(value) <= 4096, "a text of at most 4096 characters")
FIELDS = {  # And takes.
    "reference": TEXT,
    "digest": fields.HASH,
    "kind": fields.one_of("layer", "network"),
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
