"""ASHA, one per architecture, whose state is rebuilt from the journal of its decisions.

Architectures never compete for survival: each has its own rungs, so a layer that learns slowly is compared with itself
only. Ray does not save ASHA's state; replaying the journal through its public callbacks restores it (docs/resume.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler

from search.errors import TROUBLE, explain_error
from search.storage.asha_decisions import Journal
from search.storage.trial_folder import TrialFolder
from search.storage.writer import Writer
from search.tuning.trainable import METRIC, TIME_ATTR, report
from spaces.specs.run import RunSpec


class InOrder(FIFOScheduler):
    """Runs trials in the order they came, looking only at those that have not ended.

    Ray's own looks at every trial ever added, whenever a worker is free.
    """

    def __init__(self, rungs: Collection[int] = ()) -> None:
        super().__init__()
        self.rungs = rungs  # Epochs at which it judges.
        self.trouble: str | None = None  # Why the run cannot continue; None while it can.
        self._controller: Any = None  # Tune's own.
        self._open: list[Trial] = []
        self._last: list[Trial] | None = None  # Those in the last epoch that they are given.

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Enters a trial."""
        self._controller = tune_controller
        self._open.append(trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Judges a report: CONTINUE, STOP, or NOOP for a trial that waits in vain for another epoch."""
        decision = self._judge(tune_controller, trial, result)
        if self._last is None or decision != TrialScheduler.CONTINUE:
            return decision
        self._last = [other for other in self._last if other is not trial]
        return TrialScheduler.NOOP

    def _judge(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        return TrialScheduler.CONTINUE

    def begin_last_epochs(self) -> bool:
        """From the first call on no trial is given another epoch; whether some are still in one."""
        mine = self._open if self._last is None else self._last
        self._last = [trial for trial in mine if trial.status == Trial.RUNNING]
        return bool(self._last)

    def free_workers(self) -> None:
        """Ends them, which Tune leaves out where its loop is broken off; a program's own Ray would keep them busy."""
        if self._controller is not None:
            self._controller._actor_manager.cleanup()

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The first trial that waits; nothing here pauses one."""
        self._open = [trial for trial in self._open if not trial.is_finished()]
        return next((trial for trial in self._open if trial.status == Trial.PENDING), None)


class PerArchitecture(InOrder):
    """Runs trials in order and lets each architecture's own ASHA judge them.

    Inside, a trial goes by its invsearch id: the one name it keeps over restarts. The journal has the decisions so far,
    from which the rungs are rebuilt; new ones are entered.
    """

    def __init__(self, spec: RunSpec, journal: Journal):
        super().__init__(spec.list_rungs())
        self._journal = journal
        judged = {"time_attr": TIME_ATTR, "metric": METRIC, "mode": "max", "brackets": 1}
        rungs = {"grace_period": spec.grace_period, "max_t": spec.max_epochs, "reduction_factor": spec.reduction_factor}
        self._by_architecture: dict[str, Any] = defaultdict(lambda: ASHAScheduler(**judged, **rungs))
        for entry in journal.entries:
            asha, stand_in = self._delegate(entry)
            asha.on_trial_add(None, stand_in)
            asha.on_trial_result(None, stand_in, {TIME_ATTR: entry["epoch"], METRIC: entry["accuracy"]})

    def _delegate(self, trial: Mapping[str, Any]) -> tuple[Any, SimpleNamespace]:
        return self._by_architecture[trial["architecture"]], SimpleNamespace(trial_id=trial["trial_id"])

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Enters a trial."""
        super().on_trial_add(tune_controller, trial)
        asha, stand_in = self._delegate(trial.config["trial"])
        asha.on_trial_add(tune_controller, stand_in)

    def _judge(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Writes down what is decided at a rung before it is acted on."""
        assert {TIME_ATTR, METRIC} <= result.keys(), "ASHA would ignore this report"
        asha, stand_in = self._delegate(trial.config["trial"])
        if self._journal.has_stopped(stand_in.trial_id, result[TIME_ATTR]):
            return TrialScheduler.STOP  # By a driver that died before it acted on it.
        decision = asha.on_trial_result(tune_controller, stand_in, result)
        return decision if self._enter(trial, result, decision) else TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Enters the last report of a trial that ended by itself."""
        asha, stand_in = self._delegate(trial.config["trial"])
        asha.on_trial_complete(tune_controller, stand_in, result)
        if {TIME_ATTR, METRIC} <= result.keys():
            self._enter(trial, result, "END")

    def _enter(self, trial: Trial, result: dict[str, Any], decision: str) -> bool:
        """Writes a decision down; where that fails the run ends, and the trial is judged again by the next one."""
        try:
            self._journal.enter(trial.config["trial"], result[TIME_ATTR], result[METRIC], decision)
        except TROUBLE as error:
            self.trouble = self.trouble or explain_error(error)
            return False
        return True


def make_scheduler(spec: RunSpec, run: Path, folders: Iterable[TrialFolder], guard: Writer | None = None) -> InOrder:
    """The scheduler of a run, knowing what was decided before."""
    if spec.scheduler != "asha":
        return InOrder()
    journal = Journal(run, spec.list_rungs(), guard)
    journal.restore(folders, lambda folder, rows: report(folder, spec.max_epochs, rows)[METRIC])
    return PerArchitecture(spec, journal)
