"""How an invocation treats a run: what it may take over, accept, retry and keep, and when it ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from spaces import UserError

KEPT = ("none", "best", "all")


@dataclass(frozen=True)
class Policy:
    """What each invocation may choose anew, because it does not change what the run is.

    Attributes:
        force: take the run over from a driver that did not sign off.
        accept_changes: resume with other code, libraries or engines than the run's so far.
        retry_failed: open failed trials again.
        keep_checkpoints: whose last checkpoints stay: of no finished trial (``none``), of each
            architecture's best (``best``), or of all.
        max_concurrent: most trials at once, None for as many as there is room for.
        time_budget: seconds after which the invocation stops, None for no limit.
        started: when it began, by the monotonic clock.
    """

    force: bool = False
    accept_changes: bool = False
    retry_failed: bool = False
    keep_checkpoints: str = "none"
    max_concurrent: int | None = None
    time_budget: float | None = None
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise UserError(f"max-concurrent: {self.max_concurrent} is not allowed; give a whole number from 1 up")

    def time_is_up(self) -> bool:
        """Whether the time budget is used up."""
        return self.time_budget is not None and time.monotonic() - self.started >= self.time_budget
