"""A search space: one domain for each of the four hyperparameters."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product, starmap
from typing import Any

from spaces.common.errors import UserError, quote
from spaces.domains import Choice, Domain, LogUniform, Uniform
from spaces.hyperparameters import NAMES, Hyperparameters, check_names, check_number

INTERVALS = {kind.kind: kind for kind in (Uniform, LogUniform)}
KINDS = ("choice", *INTERVALS)
MAX_POINTS = 1_000_000  # Of a grid: ten times what anybody trains, and still seconds and megabytes to list.
MAX_NAME = 80


@dataclass(frozen=True)
class Space:
    """A named search space over lr, momentum, weight_decay and gain.

    Attributes:
        name: what tables and run folders call it.
        domains: hyperparameter name -> domain; kept in the order of Table 1.2.
    """

    name: str
    domains: Mapping[str, Domain]

    def __post_init__(self) -> None:
        object.__setattr__(self, "domains", {name: self.domains[name] for name in NAMES})

    @property
    def size(self) -> float:
        """How many configurations the space has; infinite where a domain is continuous."""
        return math.prod(len(d.values) if isinstance(d, Choice) else math.inf for d in self.domains.values())

    def choices(self) -> list[tuple[float, ...]]:
        """The values of each hyperparameter, in the order of Table 1.2.

        Raises:
            UserError: the space is continuous.
        """
        continuous = [name for name in NAMES if not isinstance(self.domains[name], Choice)]
        if continuous:
            raise UserError(
                f"space {self.name}: {', '.join(continuous)} {'is' if len(continuous) == 1 else 'are'} continuous, so "
                "it has no grid; use --search tpe or give each field as a choice"
            )
        return [domain.values for domain in self.domains.values() if isinstance(domain, Choice)]

    def walk(self, seed: int) -> Iterator[Hyperparameters]:
        """Every configuration once, in an order shuffled by ``seed``.

        The shuffle matters: ASHA judges a trial against those that came before it, so a grid
        visited from worst to best would stop nothing.

        Raises:
            UserError: the space is continuous.
        """
        points = list(product(*self.choices()))
        random.Random(seed).shuffle(points)
        yield from starmap(Hyperparameters, points)

    def within(self, other: Space) -> bool:
        """Whether this is a grid all of whose values ``other``, a grid too, has."""
        return all(
            isinstance(mine, Choice) and isinstance(theirs, Choice) and set(mine.values) <= set(theirs.values)
            for mine, theirs in zip(self.domains.values(), other.domains.values(), strict=True)
        )

    def snap(self, values: Mapping[str, float]) -> Hyperparameters:
        """The configuration of this space that stands for a searcher's proposal."""
        return Hyperparameters(**{name: self.domains[name].snap(values[name]) for name in NAMES})

    def __contains__(self, theta: Hyperparameters) -> bool:
        return all(value in self.domains[name] for name, value in theta.as_dict().items())

    def describe(self) -> dict[str, Any]:
        """Plain data that ``make_space`` reads back."""
        return {"name": self.name, **{name: domain.describe() for name, domain in self.domains.items()}}


def read_domain(name: str, value: Any) -> Domain:
    """Reads one field of a space: a number, or ``{choice | uniform | loguniform: [..]}``.

    Raises:
        UserError: naming the field, the value and what is allowed.
    """
    allowed = f"{name} must be a number or one of {', '.join(f'{{{kind}: [..]}}' for kind in KINDS)}"
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return Choice((check_number(name, value),))
    if not isinstance(value, Mapping) or len(value) != 1:
        raise UserError(f"{name}: {quote(value)} is not a domain; {allowed}")
    kind, members = next(iter(value.items()))
    if kind not in KINDS:
        raise UserError(f"{name}: unknown domain {quote(kind)}; {allowed}")
    if not isinstance(members, list | tuple):
        raise UserError(f"{name}: {kind} needs a list, not {quote(members)}; {allowed}")
    numbers = tuple(check_number(name, member) for member in members)
    if kind in INTERVALS and len(numbers) != 2:
        raise UserError(f"{name}: {kind} needs [low, high], not {quote(list(members))}")
    domain = INTERVALS[kind](*numbers) if kind in INTERVALS else Choice(numbers)
    if wrong := domain.check():
        raise UserError(f"{name}: {kind} {quote(list(members))} is not allowed: {wrong}")
    return domain


def make_space(description: Any, where: str) -> Space:
    """Reads a space from plain data: ``name`` and the four fields.

    Args:
        description: a mapping as ``Space.describe`` gives it, or as a YAML file holds it.
        where: the file or place, for error messages and as the default name.

    Raises:
        UserError: naming the place, the field, the value and what is allowed.
    """
    if not isinstance(description, Mapping):
        raise UserError(f"{where}: a space is a mapping with the fields {', '.join(NAMES)}, not {quote(description)}")
    fields = dict(description)
    name = fields.pop("name", where)
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > MAX_NAME:
        raise UserError(
            f"{where}: name: {quote(name)} is not a name; give one line of text of at most {MAX_NAME} characters"
        )
    check_names(fields, where)
    try:
        space = Space(name, {field: read_domain(field, fields[field]) for field in NAMES})
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    points = math.prod(len(domain.values) for domain in space.domains.values() if isinstance(domain, Choice))
    if points > MAX_POINTS:  # Seen before anybody builds them.
        raise UserError(f"{where}: the choices make {points:,} points; give fewer, at most {MAX_POINTS:,}")
    return space


SPACES: dict[str, Space] = {
    "table-1.2": Space(  # 4^4 = 256 configurations.
        "table-1.2",
        {
            "lr": Choice((0.0316, 0.1, 0.316, 1.0)),
            "momentum": Choice((0.0, 0.25, 0.5, 0.9)),
            "weight_decay": Choice((1e-5, 3.16e-5, 1e-4, 3.16e-4)),
            "gain": Choice((0.5, 1.0, 1.5, 2.0)),
        },
    ),
    "continuous": Space(  # The same ranges, for model-based search.
        "continuous",
        {
            "lr": LogUniform(0.0316, 1.0),
            "momentum": Uniform(0.0, 0.9),
            "weight_decay": LogUniform(1e-5, 3.16e-4),
            "gain": Uniform(0.5, 2.0),
        },
    ),
}
