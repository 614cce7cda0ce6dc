"""What ``--reuse`` would take over, for a plan: a run as it would stand then, without a file being written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from analysis.races import find_races
from analysis.records.reader import Run, Trial, assemble_tables, attempt, read_run
from search.cluster.resources import Resources
from search.storage.reuse import check_reusable, find_reusable
from search.storage.trial_folder import read_trials
from search.training.engines import EngineChoice
from search.tuning.policy import Policy
from spaces import TrialSpec
from spaces.specs.protocol import ENDED
from spaces.specs.records import list_trial_folders
from spaces.specs.run import SPEC, RunSpec

Wanted = tuple[list[TrialSpec], int, Sequence[int]]
"""Trials that may be taken over, their epochs, and where they may be stopped."""


def read_with_reused(
    spec: RunSpec, path: Path, policy: Policy, choice: EngineChoice, resources: Resources
) -> tuple[Run, int]:
    """Reads a run together with what the one that ``--reuse`` names gives it.

    A trial that was stopped at a rung counts as stopped here, too, although a larger run may let some of these go on.
    Nothing of a race is taken before the sweep is over, and no rerun before the race is: it is not decided then whose
    they are.

    Args:
        spec: what is asked for.
        path: the run folder, which need not be there yet.
        policy: names the other run.
        choice: what trains here.
        resources: what each trial gets.

    Returns:
        The run, and how many trials are left because something else made them.

    Raises:
        UserError: a run would refuse the other one.
    """
    other = policy.reuse
    assert other is not None
    engines = {name: choice.describe(name, resources.threads) for name in spec.architectures}
    check_reusable(other, path, engines, policy.accept_changes)
    makers, home = choice.list_makers(spec.architectures), path if (path / SPEC).exists() else other
    read, left = {os.path.basename(folder): (folder, attempt(folder)) for folder in list_trial_folders(path)}, 0
    run = _assemble(spec, home, read)
    for find_wanted in (_list_sweep, partial(_list_later, "choice"), partial(_list_later, "rerun")):
        for trials, epochs, rungs in find_wanted(spec, run, other):
            lacking = [trial for trial in trials if trial.trial_id not in read]
            for found in find_reusable(other, lacking, epochs, rungs, makers):
                folder = str(other / "trials" / found.trial.trial_id)
                if found.made_alike or policy.accept_changes:
                    read[found.trial.trial_id] = folder, attempt(folder)
                else:
                    left += 1
        run = _assemble(spec, home, read)
    return run, left


def _assemble(spec: RunSpec, home: Path, read: dict[str, tuple[str, Trial | str | None]]) -> Run:
    """A run of trials by id, each with its folder and what was read there."""
    return replace(assemble_tables(home, dict(read[name] for name in sorted(read))), spec=spec.as_dict())


def _list_sweep(spec: RunSpec, run: Run, other: Path) -> Iterator[Wanted]:
    if spec.search in ("grid", "random"):  # TPE proposes its trials anew.
        trials = [spec.sweep_trial(name, theta) for name in spec.architectures for theta in spec.list_points(name)]
        yield trials, spec.max_epochs, spec.list_rungs()


def _list_later(phase: str, spec: RunSpec, run: Run, other: Path) -> Iterator[Wanted]:
    """The trials of a race, or the reruns, of all configurations that the other run has there.

    The records say which of them count.
    """
    swept = run.trials[(run.trials["phase"] == "sweep") & run.trials["status"].isin(ENDED)]["architecture"]
    over = [name for name in spec.architectures if (swept == name).sum() >= spec.count_planned(name)]
    if phase == "rerun":
        races = find_races(run)
        over = [name for name in over if name not in races or races[name].race.winner is not None]
    there = read_run(other).trials
    list_trials, epochs = {
        "choice": (spec.list_choice_trials, spec.max_epochs),
        "rerun": (spec.list_rerun_trials, spec.rerun_epochs),
    }[phase]
    found = read_trials(other, there.loc[there["phase"] == phase, "trial_id"])
    known = dict.fromkeys((trial.architecture, trial.theta) for trial in found)
    yield [trial for name, theta in known if name in over for trial in list_trials(name, theta)], epochs or 0, ()
