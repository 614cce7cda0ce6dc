"""The repeated-seed phase: fixed configurations over fresh seeds, on all training images.

Here the test set is read for the first time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from analysis.incumbents import find_incumbents
from analysis.records.reader import read_run
from search.storage.run_folder import RunFolder
from search.tuning.feed import InTurn
from search.tuning.phases import Phase
from search.tuning.scheduler import InOrder
from spaces import Hyperparameters, UserError
from spaces.specs.records import read_record
from spaces.specs.run import RunSpec


def _choose_incumbents(run: RunFolder, spec: RunSpec) -> dict[str, Hyperparameters]:
    """Each architecture's configuration: given ones as they are, else the sweep's incumbents."""
    if spec.thetas is not None:
        return {name: Hyperparameters.from_mapping(theta) for name, theta in spec.thetas.items()}
    found = read_run(run.path)
    ended = found.trials.query("phase == 'sweep' and status != 'unfinished'")["architecture"].value_counts()
    counts = {name: int(ended.get(name, 0)) for name in spec.architectures}
    planned = {name: spec.count_planned(name) for name in spec.architectures}
    behind = [f"{name} {count} of {planned[name]}" for name, count in counts.items() if count < planned[name]]
    if behind:
        raise UserError(
            f"{run.path}: the sweep is not finished ({', '.join(behind)}), so the choice is not final and the test set "
            "stays closed; run the sweep again to resume it"
        )
    best: Any = find_incumbents(found)
    lacking = [name for name in spec.architectures if name not in best.index]
    if lacking:
        raise UserError(
            f"{run.path}: no trial of {', '.join(lacking)} was trained to the end, so there is no incumbent; "
            "finish the sweep (run it again), or give it more --samples"
        )
    return {name: _read_theta(run, best.loc[name, "trial_id"]) for name in spec.architectures}


def _read_theta(run: RunFolder, trial_id: str) -> Hyperparameters:
    record = read_record(run.path / "trials" / trial_id)
    assert record is not None
    return record.spec.theta


def plan_rerun(run: RunFolder, spec: RunSpec) -> Phase:
    """The reruns of a run that this process drives, seed by seed so that all architectures advance together.

    Raises:
        UserError: the sweep is not finished, or an architecture has no trial that was trained to the end.
    """
    assert spec.rerun_epochs is not None
    per_architecture = [spec.list_rerun_trials(name, theta) for name, theta in _choose_incumbents(run, spec).items()]
    trials = {trial.trial_id: trial for seed in zip(*per_architecture, strict=True) for trial in seed}
    return Phase(
        name="rerun",
        trials=dict.fromkeys(spec.architectures, spec.rerun_seeds or 0),
        epochs=spec.rerun_epochs,
        expected_epochs=spec.rerun_epochs,
        # To ask for the record of each of 100,000 trials that have not begun would take a minute.
        recorded=lambda: [folder for folder in run.list_recorded("rerun") if folder.spec.trial_id in trials],
        feed=partial(InTurn, list(trials.values()), spec.rerun_epochs),
        scheduler=lambda recorded: InOrder(),
    )
