"""What a trial gets, and where it runs."""

from __future__ import annotations

from dataclasses import dataclass

from spaces import UserError
from spaces.common.errors import quote

# Measured on 2 loaded cores: the 20 workers of 0.1 CPUs took 82 s and 7 GB to start, the 40 of 0.05 took 192 s, and at
# 0.01 Tune lost track of its 200. More trials than cores gain no time.
LEAST_CPUS = 0.1
LEAST_GPUS = 0.01  # Below it one GPU would have more processes than it has memory for.
MOST = 10_000
LANES_ON_A_GPU = 256  # Of ``auto``. An H100 holds so many of each network of Table 1.4 in batches of 64.
MOST_LANES = 1024


def count_cores() -> int:
    """CPU cores that this process may use, by affinity (``taskset``, Slurm) and by quota (containers); at least 1."""
    from joblib import cpu_count  # Takes half a second, which a command that only reads need not wait for.

    return cpu_count()


def format_amount(cpus: float, gpus: float) -> str:
    """So many processors, in words."""
    return f"{cpus:g} CPU{'s' * (cpus != 1)} and {gpus:g} GPU{'s' * (gpus != 1)}"


@dataclass(frozen=True)
class Resources:
    """What a trial gets, and where it runs."""

    cpus_per_trial: float = 1.0  # CPU cores; whole cores become torch threads.
    gpus_per_trial: float = 0.0  # GPUs; 0.25 lets four trials share one.
    address: str | None = None  # A running Ray cluster (``auto``, or ``HOST:PORT``); None starts Ray on this machine.
    engine: str = "auto"  # What does a trial's arithmetic: ``auto``, or a name of ``search.training.engines.ENGINES``.
    pack: int | str = 1  # Most trials that are trained as one program, and share what one gets; or ``auto``.

    def __post_init__(self) -> None:
        if not LEAST_CPUS <= self.cpus_per_trial <= MOST:
            raise UserError(
                f"cpus-per-trial: {self.cpus_per_trial:g} is not allowed; give a number from {LEAST_CPUS:g} to {MOST}"
            )
        whole = 0 <= self.gpus_per_trial <= MOST and self.gpus_per_trial % 1 == 0
        if not whole and not LEAST_GPUS <= self.gpus_per_trial < 1:
            raise UserError(
                f"gpus-per-trial: {self.gpus_per_trial:g} is not allowed; give 0, a fraction from "
                f"{LEAST_GPUS:g} to 1, or a whole number up to {MOST}"
            )

        if self.pack != "auto" and not (isinstance(self.pack, int) and 1 <= self.pack <= MOST_LANES):
            raise UserError(
                f"pack: {quote(self.pack)} is not allowed; give auto, or a whole number from 1 to {MOST_LANES}"
            )

    @property
    def lanes(self) -> int:
        """The most trials of a pack; 1 where each is trained alone."""
        if isinstance(self.pack, int):
            return self.pack
        return LANES_ON_A_GPU if self.gpus_per_trial else 1

    @property
    def threads(self) -> int:
        """CPU threads of a trial."""
        return max(1, int(self.cpus_per_trial))

    @property
    def device(self) -> str:
        """Where a trial computes: on a GPU if it gets one, or part of one."""
        return "cuda" if self.gpus_per_trial else "cpu"

    def count_slots(self, cpus: float, gpus: float) -> int:
        """How many trials run at once on one node with ``cpus`` cores and ``gpus`` GPUs.

        >>> Resources(gpus_per_trial=0.4).count_slots(16, 2)  # Two on each GPU, and a fifth of each stays free.
        4
        """
        by_cpu = int(cpus / self.cpus_per_trial)
        if not self.gpus_per_trial:
            return by_cpu
        if self.gpus_per_trial < 1:  # Ray never gives a trial parts of two GPUs.
            return min(by_cpu, int(gpus) * int(1 / self.gpus_per_trial))
        return min(by_cpu, int(gpus / self.gpus_per_trial))
