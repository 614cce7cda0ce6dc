"""What a trial gets, and where it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spaces import UserError


@dataclass(frozen=True)
class Resources:
    """What a trial gets, and where it runs.

    Attributes:
        cpus_per_trial: CPU cores; whole cores become torch threads.
        gpus_per_trial: GPUs; 0.25 lets four trials share one.
        engine: what does a trial's arithmetic: ``auto``, ``native`` or ``torch``.
        address: a running Ray cluster (``auto``, or ``HOST:PORT``); None starts Ray on this machine.
    """

    cpus_per_trial: float = 1.0
    gpus_per_trial: float = 0.0
    address: str | None = None
    engine: str = "auto"

    def __post_init__(self) -> None:
        if not 0 < self.cpus_per_trial < math.inf:
            raise UserError(f"cpus-per-trial: {self.cpus_per_trial:g} is not allowed; give a number above 0")
        whole = self.gpus_per_trial in (0, 1) or (self.gpus_per_trial > 1 and self.gpus_per_trial % 1 == 0)
        if not whole and not 0 < self.gpus_per_trial < 1:
            raise UserError(
                f"gpus-per-trial: {self.gpus_per_trial:g} is not allowed; give 0, a fraction below 1, or a whole number"
            )

    @property
    def threads(self) -> int:
        """CPU threads of a trial."""
        return max(1, int(self.cpus_per_trial))

    @property
    def device(self) -> str:
        """Where a trial computes: on a GPU if it gets one, or part of one."""
        return "cuda" if self.gpus_per_trial else "cpu"

    def slots(self, cpus: float, gpus: float) -> int:
        """How many trials run at once on one node with ``cpus`` cores and ``gpus`` GPUs."""
        by_cpu = int(cpus / self.cpus_per_trial)
        if not self.gpus_per_trial:
            return by_cpu
        if self.gpus_per_trial < 1:  # Ray never gives a trial parts of two GPUs.
            return min(by_cpu, int(gpus) * int(1 / self.gpus_per_trial))
        return min(by_cpu, int(gpus / self.gpus_per_trial))
