"""The repeated-seed phase: fixed configurations over fresh seeds, on all training images.

Here the test set is read for the first time.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from analysis.incumbents import incumbents
from analysis.records.reader import read_run
from search.cluster.nodes import Watch, why_nothing_runs
from search.cluster.session import Resources, ray_session
from search.datasets import dataset, load_split
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning.feed import InTurn
from search.tuning.jobs import Job, execute
from search.tuning.policy import Policy
from search.tuning.progress import Progress
from search.tuning.scheduler import InOrder
from spaces import Hyperparameters, TrialSpec, UserError
from spaces.specs.run import RunSpec


def chosen(run: RunFolder, spec: RunSpec) -> dict[str, Hyperparameters]:
    """Each architecture's configuration: given ones as they are, else the sweep's incumbents.

    Raises:
        UserError: the sweep is not finished, or an architecture has no trial that was trained to the end.
    """
    if spec.thetas is not None:
        return {name: Hyperparameters.from_mapping(theta) for name, theta in spec.thetas.items()}
    found = read_run(run.path)
    ended = found.trials.query("phase == 'sweep' and status != 'unfinished'")["architecture"].value_counts()
    behind = [
        f"{name} {count} of {spec.planned}"
        for name in spec.architectures
        if (count := int(ended.get(name, 0) or 0)) < spec.planned
    ]
    if behind:
        raise UserError(
            f"{run.path}: the sweep is not finished ({', '.join(behind)}), so the choice is not final and the test set "
            "stays closed; run the sweep again to go on"
        )
    best: Any = incumbents(found)
    lacking = [name for name in spec.architectures if name not in best.index]
    if lacking:
        raise UserError(
            f"{run.path}: no trial of {', '.join(lacking)} was trained to the end, so there is no incumbent; "
            "finish the sweep (run it again), or give it more --samples"
        )
    names = ["lr", "momentum", "weight_decay", "gain"]
    return {name: Hyperparameters(*map(float, best.loc[name, names])) for name in spec.architectures}


def rerun(run: RunFolder, spec: RunSpec, resources: Resources, policy: Policy, title: str = "rerun") -> None:
    """Trains what is left of the reruns; trials that have a verdict are not touched.

    Raises:
        Interrupted: a signal; what was committed stays.
        Halted: the time budget is used up, the disk is full, or the cluster is lost; likewise.
        UserError: data, resources or incumbents are missing.
    """
    assert spec.rerun_epochs is not None
    per_architecture = [spec.rerun_trials(name, theta) for name, theta in chosen(run, spec).items()]
    trials = [trial for seed in zip(*per_architecture, strict=True) for trial in seed]
    recorded = _recorded(run, trials)
    run.reopen(recorded, spec.rerun_epochs, policy.retry_failed)
    if not _left(recorded, trials):
        return
    split = load_split(dataset(spec.dataset, spec.data_hash), "rerun", spec.split_seed)
    with ray_session(
        resources, spec.architectures, run.path, lambda: run.failures("rerun") > 0, spec.recipe is not None
    ) as slots:
        totals = dict.fromkeys(spec.architectures, spec.rerun_seeds or 0)
        deaths: Counter[tuple[str, int]] = Counter()
        why_idle = partial(why_nothing_runs, resources)
        while left := _left(recorded, trials):
            progress = Progress(title, totals, spec.rerun_epochs, recorded, why_idle)
            job = Job(run, split, spec.rerun_epochs, InTurn(left, spec.rerun_epochs), InOrder(), progress)
            execute(job, resources, slots, policy, Watch(resources, run.path).stuck, deaths)
            recorded = _recorded(run, trials)


def _recorded(run: RunFolder, trials: list[TrialSpec]) -> list[TrialFolder]:
    """What is on record of trials; to ask for each of 100,000 that has not begun would take a minute."""
    ids = {trial.trial_id for trial in trials}
    return [folder for folder in run.recorded("rerun") if folder.spec.trial_id in ids]


def _left(recorded: list[TrialFolder], trials: list[TrialSpec]) -> list[TrialSpec]:
    ended = {folder.spec.trial_id for folder in recorded if folder.verdict() is not None}
    return [trial for trial in trials if trial.trial_id not in ended]
