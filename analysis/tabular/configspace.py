"""Spaces as Syne Tune writes them (``syne_tune.config_space.config_space_to_json_dict``), so that it reads ours."""

from __future__ import annotations

from typing import Any

from spaces.domains import Choice, Domain, RandInt, find_kind
from spaces.space import Space

UNIFORM: dict[str, Any] = {"sampler_cls": "Uniform", "sampler_kwargs": {}}
DECADE = 10.0


def describe_space(space: Space) -> dict[str, Any]:
    """A grid's domains by name.

    Lists of numbers are ordinal, on a logarithmic scale if they are positive and span a decade or more; a choice of
    words or truth values, or of a single value, is categorical.
    """
    return {name: _describe_domain(domain) for name, domain in space.domains.items()}


def describe_epochs(most: int) -> dict[str, Any]:
    """The fidelity: epochs from 1 to the most."""
    return {"epoch": _describe_range(1, most)}


def _describe_domain(domain: Domain) -> dict[str, Any]:
    if isinstance(domain, RandInt):
        return _describe_range(int(domain.low), int(domain.high))
    assert isinstance(domain, Choice)  # A grid has no other.
    numbers = sorted(value for value in domain.values if find_kind(value) is float and not isinstance(value, str))
    if len(numbers) < 2:
        return {"domain_cls": "Categorical", "domain_kwargs": {"categories": [*domain.values]}, **UNIFORM}
    log = numbers[0] > 0 and numbers[-1] >= DECADE * numbers[0]
    return {"domain_cls": "OrdinalNearestNeighbor", "domain_kwargs": {"categories": numbers, "log_scale": log}}


def _describe_range(low: int, high: int) -> dict[str, Any]:
    return {"domain_cls": "Integer", "domain_kwargs": {"lower": low, "upper": high}, **UNIFORM}
