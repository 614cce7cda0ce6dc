"""How a run comes along: what is done and left, what ended last, how fast it goes and how long it will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd

from analysis.choice import count_trainings
from analysis.incumbents import find_incumbents
from analysis.progress.left import Limits, Stand, estimate_lengths, estimate_seconds_left, find_limits, weigh
from analysis.progress.screen import Going, describe_theta
from analysis.races import Raced, find_races
from analysis.records.reader import Run
from analysis.records.schema import list_hyperparameters
from analysis.reruns import find_reruns
from spaces.hyperparameters import Hyperparameters
from spaces.specs.protocol import ENDED, JUDGED_ON, STATUSES
from spaces.specs.run import RunSpec

RECENT_SECONDS = 300.0
AT_LEAST = 10  # Epochs: long ones are few, so the last ten count however old.


@dataclass(frozen=True)
class Part:
    """One architecture in one phase.

    Attributes:
        architecture: its name.
        phase: one of ``protocol.PHASES``.
        planned: trials in all.
        counts: trials that have begun, by status.
        left: trials that have no outcome yet, or are to be lengthened.
        stand: where they stand; its epochs and seconds are of all phases.
        lengths: epochs that each trial that has not ended is expected to take.
        course: the incumbent's accuracy after each trial that was trained to the end; in a rerun these themselves.
        going: trials that have begun and not ended, the last one heard of first.
        incumbent: the trial id of the sweep's incumbent, or of who is ahead in the race; None in a rerun, and while
            there is none.
        accuracy: of the incumbent on held-out images, in a race its mean; in a rerun the mean of the finished ones on
            test images. A fraction; NaN while there is none.
    """

    architecture: str
    phase: str
    planned: int
    counts: Mapping[str, int]
    left: int
    stand: Stand
    lengths: Sequence[float]
    course: Sequence[float]
    going: Sequence[Going]
    incumbent: str | None
    accuracy: float

    @property
    def ended(self) -> int:
        """Trials that ended, however."""
        return self.planned - self.left

    @property
    def epochs_left(self) -> float:
        """A guess of the epochs that are left."""
        return sum(self.lengths)


def list_parts(run: Run) -> list[Part]:
    """Each architecture of each phase that the run asks for, the sweep first.

    Reruns count where they are of the configuration that is the incumbent now.
    """
    spec, best = RunSpec.from_dict(run.spec), find_incumbents(run)
    asked = {"sweep": spec.samples, "choice": spec.finalists, "rerun": spec.rerun_seeds}
    phases = [phase for phase, count in asked.items() if count is not None]
    races = find_races(run)
    return [_describe_part(run, spec, best, races, phase, name) for phase in phases for name in spec.architectures]


def _describe_part(
    run: Run, spec: RunSpec, best: pd.DataFrame, races: Mapping[str, Raced], phase: str, name: str
) -> Part:
    row: Any = best.loc[name] if name in best.index else {}
    incumbent, accuracy = None, float("nan")
    if phase == "sweep":
        planned, limits = spec.count_planned(name), find_limits(spec)
        trials = run.trials.query("phase == 'sweep' and architecture == @name", local_dict={"name": name})
        if isinstance(row.get("trial_id"), str):
            incumbent, accuracy = row["trial_id"], float(row["val_accuracy"])
    elif phase == "choice":
        raced, limits = races[name], Limits(spec.max_epochs)
        trials = run.trials.query("trial_id in @raced", local_dict={"raced": raced.trials})
        swept = run.trials.query("phase == 'sweep' and architecture == @name", local_dict={"name": name})
        over = int(swept["status"].isin(ENDED).sum()) >= spec.count_planned(name)
        most = min(spec.finalists or 0, spec.count_planned(name))  # Who they are is open while the sweep goes on.
        planned = raced.race.planned if over else count_trainings(most, spec.choice_seeds or 0)
        if row.get("choice_seeds"):
            incumbent, accuracy = row["trial_id"], float(row["choice_accuracy"])
    else:
        planned, limits = spec.rerun_seeds or 0, Limits(spec.rerun_epochs or 0)
        config = row.get("config_id")
        if spec.thetas is not None:
            config = spec.list_rerun_trials(name, Hyperparameters.from_mapping(spec.thetas[name]))[0].config_id
        reruns = find_reruns(run, name, config)
        seeds = range(spec.seed + 1, spec.seed + 1 + planned)
        trials = reruns.trials.query("seed in @seeds", local_dict={"seeds": seeds})
        if reruns.ended:
            accuracy = float(reruns.outcomes.mean()) / 100.0
    counts = Counter(trials["status"])
    longer: Any = (trials["status"] == "completed") & (trials["epoch"] < limits.budget)  # It will be taken back.
    ended: Any = trials[trials["status"].isin(ENDED) & ~longer]
    begun: Any = trials.drop(index=ended.index)
    mine = run.trials[run.trials["architecture"] == name]
    stand = Stand(
        planned,
        Counter(zip(ended["status"], ended["epoch"].tolist(), strict=True)),
        Counter(begun["epoch"].tolist()),
        int(mine["epoch"].sum()),
        float(mine["seconds"].sum()),
        weigh(run.costs).get(name, 1.0),
    )
    left = max(0, planned - len(ended))
    lengths = estimate_lengths(stand, limits)[:left]
    times: Any = run.epochs.groupby("trial_id")["time"].max()
    judged = f"{JUDGED_ON[phase]}_accuracy"
    done: Any = ended[ended["status"] == "completed"]
    course = done.assign(time=done["trial_id"].map(times)).sort_values(["time", "trial_id"])[judged].tolist()
    waits = limits.rungs if limits.is_exact else ()
    begun = begun[begun["epoch"].gt(0) & ~begun["epoch"].isin(waits)] if left else begun[:0]
    begun = begun.assign(time=begun["trial_id"].map(times)).sort_values(["time", "trial_id"], ascending=False)
    names = list_hyperparameters(run.trials)
    going = [
        Going(
            describe_theta({key: trial[key] for key in names}),
            trial["epoch"],
            int(limits.budget),
            trial[judged],
        )
        for trial in begun.to_dict("records")
    ]
    return Part(
        name,
        phase,
        planned,
        {status: counts[status] for status in STATUSES},
        left,
        stand,
        lengths,
        course if phase == "rerun" else [*accumulate(course, max)],
        going,
        incumbent,
        accuracy,
    )


def estimate_time_left(run: Run, parts: Sequence[Part], now: float, since: float) -> float | None:
    """Seconds until all phases are done, at as much training in a second as of late; None before the second epoch.

    Args:
        run: the run.
        parts: ``list_parts`` of it.
        now: Unix seconds.
        since: when the present driver began, Unix seconds.
    """
    recent = _find_recent(run, now, since)
    if len(recent) < 2:
        return None
    begin = (recent["time"] - recent["seconds"]).min()
    at_once = float(recent["seconds"].sum()) / max(now - begin, 1e-9)
    total = 0.0
    for phase in dict.fromkeys(part.phase for part in parts):
        mine = {part.architecture: part for part in parts if part.phase == phase}
        stands, lengths = ({name: getattr(part, what) for name, part in mine.items()} for what in ("stand", "lengths"))
        left = estimate_seconds_left(stands, lengths, at_once)
        if left is None:
            return None
        total += left
    return total


def find_last_ended(run: Run, count: int) -> pd.DataFrame:
    """The trials that ended last, the latest first.

    Returns:
        The columns of ``schema.TRIALS`` and ``time``: Unix seconds of the last epoch; trials without one come last.
    """
    times: Any = run.epochs.groupby("trial_id")["time"].max()
    ended = run.trials.query("status in @ended", local_dict={"ended": ENDED})
    ended = ended.assign(time=ended["trial_id"].map(times))
    return ended.sort_values(["time", "trial_id"], ascending=[False, True]).head(count)


def compute_epochs_per_minute(run: Run, now: float, since: float) -> float | None:
    """How many epochs per minute were recorded of late; None before the second one.

    Args:
        run: the run.
        now: Unix seconds; a rate falls while nothing is recorded.
        since: when the present driver began, Unix seconds: what is older was another pace, or a pause.
    """
    times = _find_recent(run, now, since)["time"].to_numpy(dtype=float)
    if len(times) < 2:
        return None
    gone = max(now, float(times[-1])) - float(times[0])
    return 60.0 * (len(times) - 1) / gone if gone > 0.0 else None


def _find_recent(run: Run, now: float, since: float) -> pd.DataFrame:
    """The epochs of late, in the order in which they were recorded."""
    rows = run.epochs[run.epochs["time"] >= since].sort_values("time")
    return rows.tail(max(AT_LEAST, int(np.count_nonzero(rows["time"] > now - RECENT_SECONDS))))
