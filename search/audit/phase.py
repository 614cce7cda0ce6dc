"""The audit's trainings: stopped trials of a run, in a run folder of their own, to the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from analysis.progress.left import Limits
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning.feed import InTurn
from search.tuning.phases import Phase
from search.tuning.scheduler import InOrder
from spaces import TrialSpec
from spaces.specs.run import RunSpec


def make_audit_spec(spec: RunSpec) -> RunSpec:
    """What the audit of a run asks for: the same sweep, in which nothing is stopped and nothing is repeated."""
    unset = dict.fromkeys(("rerun_seeds", "rerun_epochs", "finalists", "choice_seeds"))
    return replace(spec, scheduler="none", **unset)


def plan_audit(trials: Sequence[TrialSpec], run: RunFolder, spec: RunSpec) -> Phase:
    """The trainings of the sample in the audit's own folder; ``trials`` in their order."""
    mine = {trial.trial_id for trial in trials}

    def list_recorded() -> list[TrialFolder]:
        return [folder for folder in run.list_recorded("sweep") if folder.spec.trial_id in mine]

    return Phase(
        name="sweep",
        trials={name: sum(trial.architecture == name for trial in trials) for name in spec.architectures},
        epochs=spec.max_epochs,
        limits=Limits(spec.max_epochs),
        recorded=list_recorded,
        feed=partial(InTurn, trials, spec.max_epochs),
        scheduler=lambda recorded: InOrder(),
    )
