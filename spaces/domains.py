"""Domains: the sets that one hyperparameter is searched over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Choice:
    """A finite, ordered set of values."""

    values: tuple[float, ...]

    def check(self) -> str | None:
        """What is wrong with this domain, or None."""
        if not self.values:
            return "choice needs at least one value"
        return "choice has the same value twice" if len(set(self.values)) < len(self.values) else None

    def describe(self) -> dict[str, Any]:
        """Plain data that ``read_domain`` reads back."""
        return {"choice": list(self.values)}

    def snap(self, value: float) -> float:
        """The member of the domain that stands for a proposed ``value``."""
        return min(self.values, key=lambda known: abs(known - value))

    def __contains__(self, value: float) -> bool:
        return value in self.values


@dataclass(frozen=True)
class Interval:
    """The values from ``low`` to ``high``; a subclass says how they are spread."""

    low: float
    high: float
    kind: ClassVar[str]

    def check(self) -> str | None:
        """What is wrong with this domain, or None."""
        return None if self.low < self.high else f"the low end {self.low:g} must be below the high end {self.high:g}"

    def describe(self) -> dict[str, Any]:
        """Plain data that ``read_domain`` reads back."""
        return {self.kind: [self.low, self.high]}

    def snap(self, value: float) -> float:
        """The member of the domain that stands for a proposed ``value``: rounded to four significant digits.

        Nobody can tell lr = 0.123456789 from 0.1235 in an accuracy, and a table, a file name and a colleague's command
        line carry the short one without loss. The ends stay as they are, so that no value is rounded further.
        """
        if self.low < value < self.high:
            value = float(f"{value:.4g}")
        return min(max(value, self.low), self.high)

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


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


Domain = Choice | Uniform | LogUniform
