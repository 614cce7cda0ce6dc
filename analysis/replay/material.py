"""What a replay looks up: the learning curves of an architecture's configurations, all trained to the end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.evidence import Candidate
from analysis.judging import find_judge, judge_epochs
from spaces.common.errors import UserError, make_printable
from spaces.common.fields import name_option
from spaces.common.wording import format_count
from spaces.specs.halving import list_ladder
from spaces.specs.protocol import JUDGES
from spaces.specs.run import FIELDS


@dataclass(frozen=True, eq=False)
class Material:
    """The curves of N configurations over E epochs.

    Attributes:
        group: whose they are, as tables and figures say it.
        names: config ids.
        accuracy: (N, E) on held-out images, a fraction; 0 from the epoch on in which one diverged, as ASHA takes it.
        loss: (N, E) on the same images; infinite from there on.
        seconds: (N, E) that an epoch took; 0 after the last.
        last: (N,) the last epoch of each.
        diverged: (N,) whether it diverged in that epoch.
        grace_period: epochs before the first rung.
        eta: the reduction factor.
        judge: what decides between configurations that were trained to the end, one of ``protocol.JUDGES``.
    """

    group: str
    names: tuple[str, ...]
    accuracy: np.ndarray
    loss: np.ndarray
    seconds: np.ndarray
    last: np.ndarray
    diverged: np.ndarray
    grace_period: int
    eta: float
    judge: str = JUDGES[0]

    @property
    def size(self) -> int:
        """How many configurations there are."""
        return len(self.names)

    @property
    def max_epochs(self) -> int:
        """The budget of one."""
        return self.accuracy.shape[1]

    @property
    def whole(self) -> int:
        """What it takes in epochs to train all to the end."""
        return int(self.last.sum())

    @property
    def rungs(self) -> list[int]:
        """Where a scheduler judges, after the grace period."""
        return list_ladder(self.grace_period, self.max_epochs, self.eta)

    @cached_property
    def final(self) -> np.ndarray:
        """(N,) accuracies as the judge sees them; 0 where one diverged."""
        return np.where(self.diverged, 0.0, [judge_epochs(curve, self.judge) for curve in self.accuracy])

    @cached_property
    def ranks(self) -> np.ndarray:
        """(N,) 1 for the configuration that the whole run chooses, and so on down: its true rank.

        By the judge; ties by lower loss, then by config id, as incumbents are chosen.
        """
        order = np.lexsort((np.array(self.names), self.loss[:, -1], -self.final))
        ranks = np.empty(self.size, dtype=int)
        ranks[order] = np.arange(1, self.size + 1)
        return ranks


def collect(candidate: Candidate, grace_period: int | None = None, eta: float | None = None) -> Material:
    """Reads the material of one architecture of a run.

    Args:
        candidate: the architecture.
        grace_period: of the replay; None takes the run's.
        eta: of the replay; None takes the run's.

    Raises:
        UserError: nothing was searched, the sweep is not finished, trials of it were stopped early, or none ended; or a
            number that is not allowed.
    """
    spec, sweep = candidate.run.spec, candidate.sweep
    where = f"{make_printable(candidate.run.path)}: {candidate.architecture}"
    planned, budget = candidate.run.planned[candidate.architecture], spec["max_epochs"]
    if not planned:
        raise UserError(f"{where}: nothing was searched, so there is no search to replay; give the run of a sweep")
    if count := int((sweep["status"] == "stopped").sum()):
        raise UserError(
            f"{where}: {count} of {format_count(len(sweep), 'trial')} were stopped early, and what they would have "
            "reached is not on record; give a run of sweep --scheduler none"
        )
    known = sweep[(sweep["status"] == "diverged") | ((sweep["status"] == "completed") & (sweep["epoch"] >= budget))]
    failed = int((sweep["status"] == "failed").sum())
    if len(known) + failed < planned:
        raise UserError(f"{where}: {len(known)} of {format_count(planned, 'trial')} have ended; run the sweep again")
    if not len(known):
        raise UserError(f"{where}: every trial failed, so there is nothing to replay")
    chosen = {"grace_period": grace_period, "reduction_factor": eta}
    asked = {name: spec[name] if value is None else value for name, value in chosen.items()}
    for name, value in asked.items():
        FIELDS[name].check(name_option(name), value)
    return _assemble(candidate, known, asked["grace_period"], asked["reduction_factor"])


def _assemble(candidate: Candidate, known: pd.DataFrame, grace_period: int, eta: float) -> Material:
    budget = candidate.run.spec["max_epochs"]
    rows = candidate.epochs[candidate.epochs["trial_id"].isin(known["trial_id"])]
    place = rows["trial_id"].map({name: place for place, name in enumerate(known["trial_id"])}).to_numpy(dtype=int)
    epoch = rows["epoch"].to_numpy(dtype=int)
    kept = epoch <= budget
    found = {}
    for name, missing in (("val_accuracy", 0.0), ("val_loss", np.inf), ("seconds", 0.0)):
        found[name] = np.full((len(known), budget), missing)
        found[name][place[kept], epoch[kept] - 1] = rows[name].fillna(missing).to_numpy(dtype=float)[kept]
    diverged = (known["status"] == "diverged").to_numpy(dtype=bool)
    last = np.minimum(known["epoch"].to_numpy(dtype=int), budget)
    return Material(
        candidate.group,
        tuple(known["config_id"]),
        found["val_accuracy"],
        found["val_loss"],
        found["seconds"],
        last,
        diverged,
        grace_period,
        eta,
        find_judge(candidate.run),
    )
