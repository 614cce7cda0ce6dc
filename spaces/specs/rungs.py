"""The epochs at which ASHA judges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from spaces.common.errors import UserError

if TYPE_CHECKING:
    from spaces.specs.run import RunSpec


def list_ladder(grace_period: int, max_epochs: int, reduction_factor: float) -> list[int]:
    """The rungs: grace period x reduction factor^k, below the maximum, in whole epochs.

    Ray judges a trial at the first epoch that is not below a rung, so a rung that is no whole number
    stands for the epoch after it.

    Raises:
        UserError: the factor is so small that two rungs fall on one epoch.
    """
    epochs: list[int] = []
    while (rung := grace_period * reduction_factor ** len(epochs)) < max_epochs and math.ceil(rung) < max_epochs:
        if epochs and math.ceil(rung) == epochs[-1]:
            raise UserError(
                f"reduction-factor: {reduction_factor:g} puts two rungs on epoch {epochs[-1]}; give a larger one, "
                "such as 2 or more, or a longer --grace-period"
            )
        epochs.append(math.ceil(rung))
    return epochs


def list_rungs(spec: RunSpec) -> list[int]:
    """The epochs at which ASHA judges; none without it."""
    if spec.scheduler != "asha":
        return []
    return list_ladder(spec.grace_period, spec.max_epochs, spec.reduction_factor)


def compute_expected_epochs(spec: RunSpec) -> float:
    """Epochs a trial takes on average if the top 1/eta of trials continue past each rung."""
    share, start, total = 1.0, 0, 0.0
    for end in [*list_rungs(spec), spec.max_epochs]:
        total += share * (end - start)
        share, start = share / spec.reduction_factor, end
    return total
