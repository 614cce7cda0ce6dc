"""The four hyperparameters theta = {lr, mom, wd, a} of Table 1.2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from spaces.common.errors import UserError, quote, shorten
from spaces.common.fields import Field

POSITIVE = Field(lambda value: 0.0 < value < math.inf, "above 0")
LIMITS = {  # Where each makes sense.
    "lr": POSITIVE,
    "momentum": Field(lambda value: 0.0 <= value < 1.0, "in [0, 1)"),
    "weight_decay": Field(lambda value: 0.0 <= value < math.inf, "at least 0"),
    "gain": POSITIVE,
}


def check_number(name: str, value: Any) -> float:
    """Returns ``value`` as a float that is allowed for the hyperparameter ``name``.

    Strings such as ``"1e-5"`` count as numbers, because YAML 1.1 reads a dotless exponent as text.

    Raises:
        UserError: not a finite number, or outside ``LIMITS[name]``.
    """
    allowed = f"{name} must be a number {LIMITS[name].words}"
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"{name}: {quote(value)} is not a number; {allowed}") from None
    if not LIMITS[name].allows(number):
        raise UserError(f"{name}: {quote(value)} is not allowed; {allowed}")
    return number + 0.0  # -0.0 becomes 0.0: equal configurations must have equal ids.


@dataclass(frozen=True)
class Hyperparameters:
    """One point theta of a search space.

    Attributes:
        lr: learning rate of SGD, above 0.
        momentum: momentum of SGD, in [0, 1).
        weight_decay: L2 weight decay of SGD, at least 0.
        gain: the factor ``a`` of equation 1.5.1 on the Glorot-uniform initial range, above 0.

    Raises:
        UserError: a value outside its range.
    """

    lr: float
    momentum: float
    weight_decay: float
    gain: float

    def __post_init__(self) -> None:
        for name in NAMES:
            object.__setattr__(self, name, check_number(name, getattr(self, name)))

    def as_dict(self) -> dict[str, float]:
        """The four values by name, in the order of Table 1.2."""
        return {name: getattr(self, name) for name in NAMES}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Hyperparameters:
        """Builds theta from a mapping that has exactly the four names.

        Raises:
            UserError: a name is missing, unknown, or its value is not allowed.
        """
        check_names(values, "theta")
        return cls(**{name: values[name] for name in NAMES})

    def __str__(self) -> str:
        """What ``parse_theta`` reads back, without loss."""
        return ",".join(f"{name}={str(value).removesuffix('.0')}" for name, value in self.as_dict().items())


NAMES: tuple[str, ...] = tuple(field.name for field in fields(Hyperparameters))


def check_names(values: Mapping[str, Any], where: str) -> None:
    """Checks that ``values`` has exactly the four hyperparameter names.

    Raises:
        UserError: naming the unknown and the missing ones.
    """
    unknown = [quote(name) for name in values if name not in NAMES]
    missing = [name for name in NAMES if name not in values]
    if unknown:
        raise UserError(f"{where}: unknown field {shorten(', '.join(unknown))}; allowed are {', '.join(NAMES)}")
    if missing:
        what = "field" if len(missing) == 1 else "fields"
        raise UserError(f"{where}: missing {what} {', '.join(missing)}; it needs {', '.join(NAMES)}")


def parse_theta(text: str) -> Hyperparameters:
    """Reads ``lr=0.1,momentum=0.5,weight_decay=1e-5,gain=1.5``.

    Raises:
        UserError: not of that form, or a value that is not allowed.
    """
    values: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UserError(
                f"theta: {quote(part)} is not name=value; write lr=0.1,momentum=0.5,weight_decay=1e-5,gain=1.5"
            )
        if name in values:
            raise UserError(f"theta: {quote(name)} is given twice; give each of {', '.join(NAMES)} once")
        values[name] = value
    return Hyperparameters.from_mapping(values)
