"""What is counted of one architecture's trials while they run."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from analysis.progress.left import Stand
from analysis.progress.screen import Going
from spaces.common.wording import format_percent, format_tally

ENDS = ("completed", "stopped", "diverged", "failed")


@dataclass
class Running:
    """A trial that a worker has.

    Attributes:
        trial_id: its id in the records.
        theta: its configuration, as text.
        budget: the epochs that it was handed out for.
        since: when its worker was last heard of, by the monotonic clock.
        epoch: the last one on record.
        accuracy: after it.
        lanes: how many share its worker.
    """

    trial_id: str
    theta: Callable[[], str]
    budget: int
    since: float
    epoch: int = 0
    accuracy: float | None = None
    lanes: int = 1


@dataclass
class Tally:
    """One architecture's counts.

    Attributes:
        total: trials planned.
        weight: what an epoch costs beside one of other architectures.
        ended: trials by outcome and last epoch.
        open: the last epoch of those that have begun and not ended, by trial id.
        running: by Tune's ids.
        waiting: ids of those that wait at a rung to be judged.
        finished: final accuracies of those that were trained to the end, in that order.
        stopped: the highest accuracy of one that was stopped early.
        new_epochs: trained since the start.
        seconds: that these took.
        before: the same of the records of before.
    """

    total: int
    weight: float = 1.0
    ended: Counter[tuple[str, int]] = field(default_factory=Counter)
    open: dict[str, int] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    finished: list[float] = field(default_factory=list)
    stopped: float | None = None
    new_epochs: int = 0
    seconds: float = 0.0
    before: tuple[int, float] = (0, 0.0)

    @property
    def done(self) -> int:
        """Trials that have ended, however."""
        return self.ended.total()

    def end(self, trial_id: str, status: str, epoch: int, accuracy: float | None) -> None:
        """Counts a trial that ended."""
        self.open.pop(trial_id, None)
        self.waiting.discard(trial_id)
        self.ended[status, epoch] += 1
        if accuracy is not None and status == "completed":
            self.finished.append(accuracy)
        elif accuracy is not None and status == "stopped":
            self.stopped = max(accuracy, self.stopped or 0.0)

    def count_ends(self) -> dict[str, int]:
        """Ended trials by outcome."""
        return {status: sum(count for (end, _), count in self.ended.items() if end == status) for status in ENDS}

    def make_stand(self) -> Stand:
        """What the time left is estimated from: paces of before only while there is none of now."""
        epochs, seconds = (self.new_epochs, self.seconds) if self.new_epochs else self.before
        return Stand(self.total, self.ended, Counter(self.open.values()), epochs, seconds, self.weight)

    def hear(self, running: Running | None, result: Mapping[str, Any], now: float) -> None:
        """Takes in a report of an epoch, or of where a trial stood before."""
        self.new_epochs += not result["again"]
        self.seconds += result["seconds"]
        if running is not None:
            running.epoch, running.accuracy, running.since = result["epoch"], result["accuracy"], now
            self.open[running.trial_id] = result["epoch"]

    def list_going(self) -> list[Going]:
        """The trials that run, those that have come furthest first."""
        ranked = sorted(self.running.values(), key=lambda one: -one.epoch)
        return [Going(one.theta(), one.epoch, one.budget, one.accuracy) for one in ranked]

    def list_course(self, takes_best: bool) -> list[float]:
        """The incumbent's accuracy after each trial that was trained to the end, or these accuracies themselves."""
        return [*accumulate(self.finished, max)] if takes_best else self.finished

    def format_accuracy(self, takes_best: bool) -> str:
        """The incumbent's accuracy, or the mean; while there is none, that of the best stopped trial."""
        if self.finished:
            return format_percent(max(self.finished) if takes_best else statistics.fmean(self.finished))
        return "-" if self.stopped is None else f"- (stopped: {format_percent(self.stopped)})"

    def tell(self, summary: str, has_rungs: bool) -> str:
        """All of it in a part of a line."""
        ends = {status: count for status, count in self.count_ends().items() if status != "completed"}
        waiting = f"{len(self.waiting)} waiting, " if has_rungs else ""
        now = f"{len(self.running)} running, {waiting}{summary} {self.format_accuracy(summary == 'incumbent')}"
        return f"{format_tally(self.done, self.total, ends)}, {now}"
