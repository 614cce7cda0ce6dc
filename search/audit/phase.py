"""The audit's trainings: stopped trials of a run, in a run folder of their own, to the end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning.feed import InTurn
from search.tuning.phases import Phase
from search.tuning.scheduler import InOrder
from spaces import TrialSpec, UserError
from spaces.common.wording import format_command
from spaces.specs.records import read_record
from spaces.specs.run import RunSpec


def make_audit_spec(spec: RunSpec) -> RunSpec:
    """What the audit of a run asks for: the same sweep, in which nothing is stopped and nothing is repeated."""
    unset = dict.fromkeys(("rerun_seeds", "rerun_epochs", "finalists", "choice_seeds"))
    return replace(spec, scheduler="none", **unset)


def read_trials(run: Path, trial_ids: Collection[str]) -> list[TrialSpec]:
    """What defines some trials of a run, by their records.

    Raises:
        UserError: a record is not there any more.
    """
    found = []
    for name in trial_ids:
        record = read_record(run / "trials" / name)
        if record is None:
            mending = format_command("invsearch", "check", run, "--repair")
            raise UserError(f"{run}: the record of {name} is not there; {mending} restores what can be")
        found.append(record.spec)
    return found


def plan_audit(trials: Sequence[TrialSpec], run: RunFolder, spec: RunSpec) -> Phase:
    """The trainings of the sample in the audit's own folder; ``trials`` in their order."""
    mine = {trial.trial_id for trial in trials}

    def list_recorded() -> list[TrialFolder]:
        return [folder for folder in run.list_recorded("sweep") if folder.spec.trial_id in mine]

    return Phase(
        name="sweep",
        trials={name: sum(trial.architecture == name for trial in trials) for name in spec.architectures},
        epochs=spec.max_epochs,
        expected_epochs=spec.max_epochs,
        recorded=list_recorded,
        feed=partial(InTurn, trials, spec.max_epochs),
        scheduler=lambda recorded: InOrder(),
    )
