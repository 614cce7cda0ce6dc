"""Domains: the sets that one hyperparameter is searched over."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any, ClassVar

from spaces.hyperparameters import Value


@dataclass(frozen=True)
class Choice:
    """A finite, ordered set of values: numbers, words or booleans, and no two kinds."""

    values: tuple[Value, ...]

    def check(self) -> str | None:
        """What is wrong with this domain, or None."""
        if not self.values:
            return "choice needs at least one value"
        if len(set(map(find_kind, self.values))) > 1:
            return "choice mixes numbers, words or booleans; give one kind only"
        return "choice has the same value twice" if len(set(self.values)) < len(self.values) else None

    @property
    def size(self) -> float:
        """How many members it has."""
        return len(self.values)

    def list_members(self) -> tuple[Value, ...]:
        """All values, in order."""
        return self.values

    def describe(self) -> dict[str, Any]:
        """Plain data that ``read_domain`` reads back."""
        return {"choice": list(self.values)}

    def draw(self, generator: random.Random) -> Value:
        """Any value, each as likely as the others."""
        return generator.choice(self.values)

    def snap(self, value: Any) -> Value:
        """The member of the domain that stands for a proposed ``value``: the nearest number, or the very word."""
        numbers = [known for known in self.values if isinstance(known, float | int)]
        return value if value in self else min(numbers, key=lambda known: abs(known - value))

    def find_middle(self) -> Value:
        """A typical member."""
        return self.values[len(self.values) // 2]

    def __contains__(self, value: object) -> bool:
        return value in self.values and find_kind(value) is find_kind(self.values[0])


@dataclass(frozen=True)
class Interval:
    """The values from ``low`` to ``high``; a subclass says how they are spread."""

    low: float
    high: float
    kind: ClassVar[str]

    @property
    def size(self) -> float:
        """How many members it has."""
        return math.inf

    def check(self) -> str | None:
        """What is wrong with this domain, or None."""
        return None if self.low < self.high else f"the low end {self.low:g} must be below the high end {self.high:g}"

    def describe(self) -> dict[str, Any]:
        """Plain data that ``read_domain`` reads back."""
        return {self.kind: [self.low, self.high]}

    def draw(self, generator: random.Random) -> float:
        """Any value, each as likely as the others."""
        return generator.uniform(self.low, self.high)

    def snap(self, value: float) -> float:
        """The member of the domain that stands for a proposed ``value``: rounded to four significant digits.

        Nobody can tell lr = 0.123456789 from 0.1235 in an accuracy, and a table, a file name and a colleague's command
        line carry the short one without loss. The ends stay as they are, so that no value is rounded further.
        """
        if self.low < value < self.high:
            value = float(f"{value:.4g}")
        return min(max(value, self.low), self.high)

    def find_middle(self) -> float:
        """A typical member."""
        return self.snap((self.low + self.high) / 2)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, float | int) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class Uniform(Interval):
    """Values spread evenly from ``low`` to ``high``."""

    kind = "uniform"


@dataclass(frozen=True)
class LogUniform(Interval):
    """Values whose logarithm is spread evenly from ``low`` to ``high``, both above 0."""

    kind = "loguniform"

    def check(self) -> str | None:
        """What is wrong with this domain, or None."""
        if self.low <= 0 or not math.isfinite(self.low):
            return f"the low end {self.low:g} of a loguniform must be above 0"
        return super().check()

    def draw(self, generator: random.Random) -> float:
        """Any value, its logarithm as likely as any other."""
        return math.exp(generator.uniform(math.log(self.low), math.log(self.high)))

    def find_middle(self) -> float:
        """A typical member."""
        return self.snap(math.sqrt(self.low * self.high))


@dataclass(frozen=True)
class RandInt(Interval):
    """The whole numbers from ``low`` to ``high``, both included."""

    low: int
    high: int
    kind = "randint"

    @property
    def size(self) -> float:
        """How many members it has."""
        return self.high - self.low + 1

    def check(self) -> str | None:
        """What is wrong with this domain, or None."""
        if type(self.low) is not int or type(self.high) is not int:
            return "both ends must be whole numbers, which belong to it"
        return super().check()

    def list_members(self) -> tuple[int, ...]:
        """All values, in order."""
        return tuple(range(self.low, self.high + 1))

    def draw(self, generator: random.Random) -> int:
        """Any number, each as likely as the others."""
        return generator.randint(self.low, self.high)

    def snap(self, value: float) -> int:
        """The member of the domain that stands for a proposed ``value``: the nearest."""
        return min(max(round(value), self.low), self.high)

    def __contains__(self, value: object) -> bool:
        return type(value) is int and self.low <= value <= self.high


def find_kind(value: object) -> type:
    """``float`` for all numbers, ``bool`` for booleans, ``str`` for words."""
    return float if type(value) is int else type(value)


Domain = Choice | Uniform | LogUniform | RandInt
