"""How a run comes along: what is done and left, what ended last, how fast it goes and how long it will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.choice import count_trainings
from analysis.incumbents import find_incumbents
from analysis.races import Raced, find_races
from analysis.records.reader import Run
from analysis.reruns import find_reruns
from spaces.hyperparameters import Hyperparameters
from spaces.specs.protocol import ENDED, STATUSES
from spaces.specs.run import RunSpec

RECENT_SECONDS = 300.0
AT_LEAST = 10  # Epochs: long ones are few, so the last ten count however old.
TELLING = 8  # Ended trials after which their own length is a better guess than ASHA's rule.


@dataclass(frozen=True)
class Part:
    """One architecture in one phase.

    Attributes:
        architecture: its name.
        phase: one of ``protocol.PHASES``.
        planned: trials in all.
        counts: trials that have begun, by status.
        left: trials that have no outcome yet, or are to be lengthened.
        epochs_left: a guess of the epochs that they will take.
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
    epochs_left: float
    incumbent: str | None
    accuracy: float

    @property
    def ended(self) -> int:
        """Trials that ended, however."""
        return self.planned - self.left


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
        planned, budget, expected = spec.count_planned(name), spec.max_epochs, spec.compute_expected_epochs()
        trials = run.trials.query("phase == 'sweep' and architecture == @name", local_dict={"name": name})
        if isinstance(row.get("trial_id"), str):
            incumbent, accuracy = row["trial_id"], float(row["val_accuracy"])
    elif phase == "choice":
        raced, budget, expected = races[name], spec.max_epochs, float(spec.max_epochs)
        trials = run.trials.query("trial_id in @raced", local_dict={"raced": raced.trials})
        swept = run.trials.query("phase == 'sweep' and architecture == @name", local_dict={"name": name})
        over = int(swept["status"].isin(ENDED).sum()) >= spec.count_planned(name)
        most = min(spec.finalists or 0, spec.count_planned(name))  # Who they are is open while the sweep goes on.
        planned = raced.race.planned if over else count_trainings(most, spec.choice_seeds or 0)
        if row.get("choice_seeds"):
            incumbent, accuracy = row["trial_id"], float(row["choice_accuracy"])
    else:
        planned, budget, expected = spec.rerun_seeds or 0, spec.rerun_epochs or 0, float(spec.rerun_epochs or 0)
        config = row.get("config_id")
        if spec.thetas is not None:
            config = spec.list_rerun_trials(name, Hyperparameters.from_mapping(spec.thetas[name]))[0].config_id
        reruns = find_reruns(run, name, config)
        seeds = range(spec.seed + 1, spec.seed + 1 + planned)
        trials = reruns.trials.query("seed in @seeds", local_dict={"seeds": seeds})
        if reruns.ended:
            accuracy = float(reruns.outcomes.mean()) / 100.0
    counts = Counter(trials["status"])
    longer: Any = (trials["status"] == "completed") & (trials["epoch"] < budget)  # Their outcome will be taken back.
    ended: Any = trials[trials["status"].isin(ENDED) & ~longer]
    begun: Any = trials.drop(index=ended.index)["epoch"].sum()
    left = max(0, planned - len(ended))
    per_trial = float(ended["epoch"].mean()) if phase == "sweep" and len(ended) >= TELLING else expected
    epochs_left = max(left * per_trial - float(begun), float(left))
    if phase == "sweep" and spec.scheduler == "halving":  # How many go on is known; the first to end do not.
        epochs_left = planned * expected - float(trials["epoch"].sum())
        epochs_left = min(max(epochs_left, float(left)), float(left * budget))
    return Part(
        name, phase, planned, {status: counts[status] for status in STATUSES}, left, epochs_left, incumbent, accuracy
    )


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
    times = np.sort(run.epochs["time"].to_numpy(dtype=float))
    times = times[times >= since]
    recent = times[-max(AT_LEAST, np.count_nonzero(times > now - RECENT_SECONDS)) :]
    if len(recent) < 2:
        return None
    gone = max(now, float(recent[-1])) - float(recent[0])
    return 60.0 * (len(recent) - 1) / gone if gone > 0.0 else None
