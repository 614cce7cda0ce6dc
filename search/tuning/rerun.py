"""The repeated-seed phase: fixed configurations over fresh seeds, on all training images.

Here the test set is read for the first time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from analysis.incumbents import find_incumbents
from analysis.progress.left import Limits
from analysis.races import find_races
from analysis.records.reader import read_run
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import read_trials
from search.tuning.choice import check_swept
from search.tuning.feed import InTurn
from search.tuning.phases import Phase
from search.tuning.scheduler import InOrder
from spaces import Hyperparameters, UserError
from spaces.common.wording import format_command
from spaces.specs.run import RunSpec


def _choose_incumbents(run: RunFolder, spec: RunSpec) -> dict[str, Hyperparameters]:
    """Each architecture's configuration: given ones as they are, else the incumbents of sweep and race."""
    if spec.thetas is not None:
        return {name: Hyperparameters.from_mapping(theta) for name, theta in spec.thetas.items()}
    found = read_run(run.path)
    check_swept(run.path, spec, found)
    races = find_races(found)
    behind = [
        f"{name} {len(raced.race.trained)} of {raced.race.planned} trainings"
        for name, raced in races.items()
        if raced.race.winner is None
    ]
    if behind:
        again = " with --retry-failed" if any(raced.count_failed() for raced in races.values()) else ""
        raise UserError(
            f"{run.path}: the race is not finished ({', '.join(behind)}), so the choice is not final and the test set "
            f"stays closed; {format_command('invsearch', 'choose', run.path)}{again} resumes it"
        )
    best: Any = find_incumbents(found)
    trials = read_trials(run.path, best.loc[list(spec.architectures), "trial_id"])
    return {trial.architecture: trial.theta for trial in trials}


def plan_rerun(run: RunFolder, spec: RunSpec) -> Phase:
    """The reruns of a run that this process drives, seed by seed so that all architectures advance together.

    Raises:
        UserError: the sweep or the race is not finished, or an architecture has no trial that was trained to the end.
    """
    assert spec.rerun_epochs is not None
    per_architecture = [spec.list_rerun_trials(name, theta) for name, theta in _choose_incumbents(run, spec).items()]
    trials = {trial.trial_id: trial for seed in zip(*per_architecture, strict=True) for trial in seed}
    return Phase(
        name="rerun",
        trials=dict.fromkeys(spec.architectures, spec.rerun_seeds or 0),
        epochs=spec.rerun_epochs,
        limits=Limits(spec.rerun_epochs),
        # To ask for the record of each of 100,000 trials that have not begun would take a minute.
        recorded=lambda: [folder for folder in run.list_recorded("rerun") if folder.spec.trial_id in trials],
        feed=partial(InTurn, list(trials.values()), spec.rerun_epochs),
        scheduler=lambda recorded: InOrder(),
    )
