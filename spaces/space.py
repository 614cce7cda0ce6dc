"""A search space: a domain for each hyperparameter."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from spaces.common.errors import UserError, quote, shorten
from spaces.domains import Choice, Domain, LogUniform, RandInt, Uniform, find_kind
from spaces.hyperparameters import (
    NAMES,
    Hyperparameters,
    Value,
    check_names,
    check_value,
    sort_names,
)

INTERVALS = {kind.kind: kind for kind in (Uniform, LogUniform, RandInt)}
KINDS = ("choice", *INTERVALS)
MAX_MISSES = 10_000  # Draws in a row of what was drawn before, after which there seems to be nothing new.
MAX_POINTS = 1_000_000  # Of a grid: ten times what anybody trains, and still seconds and megabytes to list.
MAX_NAME = 80


@dataclass(frozen=True)
class Space:
    """A named search space over lr, momentum, weight_decay, gain and further hyperparameters.

    Attributes:
        name: what tables and run folders call it.
        domains: hyperparameter name -> domain; kept in the order of Table 1.2, further ones from a to z.
    """

    name: str
    domains: Mapping[str, Domain]

    def __post_init__(self) -> None:
        object.__setattr__(self, "domains", {name: self.domains[name] for name in sort_names(self.domains)})

    @property
    def size(self) -> float:
        """How many configurations the space has; infinite where a domain is continuous."""
        sizes = [domain.size for domain in self.domains.values()]
        return math.inf if math.inf in sizes else math.prod(sizes)  # Whole numbers may be too large for floats.

    def list_choices(self) -> dict[str, tuple[Value, ...]]:
        """The values of each hyperparameter.

        Raises:
            UserError: the space is continuous, or has too many points for a grid.
        """
        found = {name: domain for name, domain in self.domains.items() if isinstance(domain, Choice | RandInt)}
        continuous = [name for name in self.domains if name not in found]
        if continuous:
            raise UserError(
                f"space {self.name}: {', '.join(continuous)} {'is' if len(continuous) == 1 else 'are'} continuous, so "
                "it has no grid; use --search tpe or random or give each field as a choice"
            )
        if self.size > MAX_POINTS:
            raise UserError(
                f"space {self.name}: its grid has {shorten(f'{self.size:,}')} points; give fewer, at most "
                f"{MAX_POINTS:,}, or use --search tpe or random"
            )
        return {name: domain.list_members() for name, domain in found.items()}

    def restrict(self, names: Iterable[str]) -> Space:
        """The space without the hyperparameters that are not among ``names``."""
        kept = set(names)
        return Space(self.name, {name: domain for name, domain in self.domains.items() if name in kept})

    def walk(self, seed: int) -> Iterator[Hyperparameters]:
        """Every configuration once, in an order shuffled by ``seed``.

        The shuffle matters: ASHA judges a trial against those that came before it, so a grid
        visited from worst to best would stop nothing.

        Raises:
            UserError: the space is continuous.
        """
        points = list(product(*self.list_choices().values()))
        random.Random(seed).shuffle(points)
        for point in points:
            yield Hyperparameters.from_mapping(dict(zip(self.domains, point, strict=True)))

    def draw(self, count: int, seed: int) -> list[Hyperparameters]:
        """The first ``count`` different configurations of those that ``seed`` draws, each independently of the others.

        If the space can be listed, these are the first of ``walk``, which is equivalent and reaches every point.
        Intervals are drawn from evenly, those of a ``LogUniform`` in the logarithm; values are rounded as by ``snap``.

        Raises:
            UserError: the space is too narrow for so many.
        """
        if self.size <= MAX_POINTS:
            found = dict.fromkeys(islice(self.walk(seed), count))
        else:
            found = self._draw_distinct(count, seed)
        if len(found) < count:
            raise UserError(
                f"space {self.name}: {count:,} different configurations are more than it has or can be drawn; give "
                f"--samples {len(found)} or fewer"
            )
        return list(found)

    def _draw_distinct(self, count: int, seed: int) -> dict[Hyperparameters, None]:
        generator, found, missed = random.Random(seed), dict[Hyperparameters, None](), 0
        while len(found) < count and missed < MAX_MISSES:
            theta = self.snap({name: domain.draw(generator) for name, domain in self.domains.items()})
            missed = missed + 1 if theta in found else 0
            found[theta] = None
        return found

    def fits_within(self, other: Space) -> bool:
        """Whether this is a grid, and ``other`` is a grid with all of its values."""
        if self.domains.keys() != other.domains.keys() or max(self.size, other.size) > MAX_POINTS:
            return False
        mine, theirs = self.list_choices(), other.list_choices()
        return all(_list_distinct(mine[name]) <= _list_distinct(theirs[name]) for name in mine)

    def snap(self, values: Mapping[str, Any]) -> Hyperparameters:
        """The configuration of this space that stands for a searcher's proposal."""
        return Hyperparameters.from_mapping({name: domain.snap(values[name]) for name, domain in self.domains.items()})

    def find_middle(self) -> Hyperparameters:
        """A typical configuration."""
        return Hyperparameters.from_mapping({name: domain.find_middle() for name, domain in self.domains.items()})

    def __contains__(self, theta: Hyperparameters) -> bool:
        return theta.keys() == self.domains.keys() and all(value in self.domains[name] for name, value in theta.items())

    def describe(self) -> dict[str, Any]:
        """Plain data that ``make_space`` reads back."""
        return {"name": self.name, **{name: domain.describe() for name, domain in self.domains.items()}}


def _list_distinct(values: Iterable[Value]) -> set[tuple[type, Value]]:
    return {(find_kind(value), value) for value in values}  # True is not 1.


def read_domain(name: str, value: Any) -> Domain:
    """Reads one field of a space: a value, or ``{choice | uniform | loguniform | randint: [..]}``.

    Raises:
        UserError: naming the field, the value and what is allowed.
    """
    kinds = _list_kinds(name)
    what = "a number" if name in NAMES else "a value"
    allowed = f"{name} must be {what} or one of {', '.join(f'{{{kind}: [..]}}' for kind in kinds)}"
    if isinstance(value, int | float | str) and not (isinstance(value, bool) and name in NAMES):
        return Choice((check_value(name, value),))
    if isinstance(value, Mapping) and "when" in value:
        raise UserError(
            f"{name}: conditional hyperparameters (when) are not supported; give two runs, one for each condition"
        )
    if not isinstance(value, Mapping) or len(value) != 1:
        raise UserError(f"{name}: {quote(value)} is not a domain; {allowed}")
    kind, members = next(iter(value.items()))
    if kind not in kinds:
        raise UserError(f"{name}: {'unsuitable' if kind in KINDS else 'unknown'} domain {quote(kind)}; {allowed}")
    if not isinstance(members, list | tuple):
        raise UserError(f"{name}: {kind} needs a list, not {quote(members)}; {allowed}")
    values = tuple(check_value(name, member) for member in members)
    if kind in INTERVALS and (len(values) != 2 or any(find_kind(end) is not float for end in values)):
        raise UserError(f"{name}: {kind} needs [low, high], not {quote(list(members))}")
    ends: Any = values
    domain = INTERVALS[kind](*ends) if kind in INTERVALS else Choice(values)
    if wrong := domain.check():
        raise UserError(f"{name}: {kind} {quote(list(members))} is not allowed: {wrong}")
    return domain


def _list_kinds(name: str) -> tuple[str, ...]:
    if name in NAMES:
        return tuple(kind for kind in KINDS if kind != RandInt.kind)
    return {"batch_size": ("choice", RandInt.kind), "schedule": ("choice",)}.get(name, KINDS)


def make_space(description: Any, where: str) -> Space:
    """Reads a space from plain data: ``name``, lr, momentum, weight_decay and whatever else is searched.

    Args:
        description: a mapping as ``Space.describe`` gives it, or as a YAML file holds it.
        where: the file or place, for error messages and as the default name.

    Raises:
        UserError: naming the place, the field, the value and what is allowed.
    """
    if not isinstance(description, Mapping):
        fields = ", ".join(NAMES)
        raise UserError(f"{where}: a space is a mapping with fields such as {fields}, not {quote(description)}")
    fields = dict(description)
    name = fields.pop("name", where)
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > MAX_NAME:
        raise UserError(
            f"{where}: name: {quote(name)} is not a name; give one line of text of at most {MAX_NAME} characters"
        )
    check_names(fields, where)
    try:
        return Space(name, {field: read_domain(field, fields[field]) for field in sort_names(fields)})
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


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
