"""ASHA's rule in plain Python; ``search.audit.asha`` holds it against Ray's own."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence


class Asha:
    """Decides trial after trial, in the order in which they reach a rung (Li et al. 2020, as Ray Tune has it).

    A trial goes on from a rung if it is not below the (1 - 1/eta) quantile of those that were judged there before it.

    Args:
        rungs: the epochs at which it judges.
        eta: the reduction factor.
    """

    def __init__(self, rungs: Sequence[int], eta: float):
        self._seen: dict[int, list[float]] = {rung: [] for rung in rungs}
        self._share = (1 - 1 / eta) * 100 / 100  # Rounded as Ray's is.

    def judge(self, rung: int, accuracy: float) -> bool:
        """Enters what a trial has at a rung; whether it goes on."""
        seen = self._seen[rung]
        stays = not seen or accuracy >= find_quantile(seen, self._share)
        insort(seen, accuracy)
        return stays


def find_quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of sorted values, linear between two of them, rounded as ``numpy.percentile`` rounds.

    >>> find_quantile([0.0, 1.0, 2.0, 4.0], 0.75)
    2.5
    """
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    weight = place - below
    return high - (high - low) * (1 - weight) if weight >= 0.5 else low + (high - low) * weight
