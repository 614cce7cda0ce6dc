"""Runs one sweep to its end through a list of kills, each at a moment drawn from a seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.harness import Driver, ended, epochs, kill, trial_of
from tests.faults.invariants import Witness
from tests.faults.moments import wait_for_moment

STARTING_SECONDS = 8.0  # About as long as a driver takes to its first trial.


class Havoc:
    """A sweep under fire.

    Between two kills the sweep has to get on by some epochs, so that the same list of kills fits
    machines of any speed. No trial loses its worker twice in one epoch: the fourth time it would count
    as failed.

    Args:
        run: the run folder.
        options: of the sweep.
        seed: of all that is random here.

    Attributes:
        kills: how many, by kind.
        starts: how often the same command was given.
    """

    def __init__(self, run: Path, options: Sequence[str], seed: int):
        self.run = run
        self.kills: Counter[str] = Counter()
        self.starts = 0
        self._line = ["sweep", *options, "--out", str(run)]
        self._random = random.Random(seed)
        self._witness = Witness(run)
        self._driver: Driver | None = None
        self._hurt: dict[str, int] = {}  # Trials whose workers were killed, and their epochs then.

    def survive(self, kills: Mapping[str, int], most_epochs: int) -> None:
        """Kills, in a shuffled order, and lets the sweep end.

        Args:
            kills: how many of each kind: ``worker``, ``driver``, ``machine`` (the raylet and all workers at
                once, after which the driver has to end by itself), or ``start`` (a driver on its way to
                its first trial).
            most_epochs: that the sweep has to get on between two kills.
        """
        try:
            for kind in self._plan(kills):
                if kind == "start":
                    self._kill_at_start(self._running())
                else:
                    self._kill(kind, self._running(), self._random.randint(1, most_epochs))
                self._witness.look()
            last = self._running()
            assert last.wait() == 0, last.errors[-2000:]
            self._witness.look()
        finally:
            if self._driver is not None and self._driver.alive:
                self._driver.kill()

    def _plan(self, kills: Mapping[str, int]) -> list[str]:
        """The kinds in a random order; a ``start`` comes after something that has ended a driver."""
        plan = [kind for kind, count in kills.items() for _ in range(count) if kind != "start"]
        self._random.shuffle(plan)
        for _ in range(kills.get("start", 0)):
            ends = [index for index, kind in enumerate(plan) if kind in ("driver", "machine")]
            plan.insert(self._random.choice(ends) + 1, "start")
        return plan

    def _running(self) -> Driver:
        if self._driver is None:
            self._driver = Driver(*self._line)
            self.starts += 1
        return self._driver

    def _kill_at_start(self, driver: Driver) -> None:
        time.sleep(self._random.uniform(0.0, STARTING_SECONDS))
        assert driver.alive, driver.errors[-2000:]
        self._ended_by_kill("start", driver)

    def _kill(self, kind: str, driver: Driver, progress: int) -> None:
        goal = epochs(self.run) + progress
        victims = driver.wait_for(lambda: epochs(self.run) >= goal and self._victims(driver))
        trial, pid = self._random.choice(victims)
        moment = wait_for_moment(self._random, self.run, kind, trial)
        print(
            f"{kind} at {moment} of {trial}, {epochs(self.run)} epochs on record, {len(ended(self.run))} trials ended"
        )
        assert driver.alive, f"the sweep ended before its kills: {driver.errors[-2000:]}"
        if kind == "worker":
            self._hurt[trial] = epochs(self.run, trial)
            self.kills[kind] += kill(pid)
        elif kind == "machine":
            for part in driver.wait_for(driver.raylet):
                kill(part)
            assert driver.wait() != 0
            self._ended_by_kill(kind, driver)
        else:
            self._ended_by_kill(kind, driver)

    def _ended_by_kill(self, kind: str, driver: Driver) -> None:
        driver.kill()
        self.kills[kind] += 1
        self._driver, self._hurt = None, {}

    def _victims(self, driver: Driver) -> list[tuple[str, int]]:
        """Trials with their workers, but for those that have not got on since they lost their last one."""
        pairs = [(trial, pid) for pid in driver.workers() if (trial := trial_of(pid)) is not None]
        return [(trial, pid) for trial, pid in pairs if epochs(self.run, trial) > self._hurt.get(trial, -1)]
