"""The search phase: every architecture's configurations, judged on held-out training images."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest

from analysis.progress.left import find_limits
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning.feed import Feed, InTurn
from search.tuning.halving import Halving, make_ladders, settle
from search.tuning.phases import Phase
from search.tuning.scheduler import make_scheduler
from spaces import TrialSpec
from spaces.specs.run import RunSpec
from spaces.specs.taken import list_taken


def plan_sweep(run: RunFolder, spec: RunSpec) -> Phase:
    """The sweep of a run that this process drives."""
    return Phase(
        name="sweep",
        trials={name: spec.count_planned(name) for name in spec.architectures},
        epochs=spec.max_epochs,
        limits=find_limits(spec),
        recorded=partial(run.list_recorded, "sweep"),
        feed=partial(_feed, spec),
        scheduler=partial(make_scheduler, spec, run.path, guard=run.guard),
        ladder=[*spec.list_rungs(), spec.max_epochs] if spec.scheduler == "halving" else (),
    )


def list_trials(spec: RunSpec) -> list[TrialSpec]:
    """The trials of a grid search, architectures interleaved so that all advance together.

    Those that take the same hyperparameters visit the same configurations in the same shuffled order.
    """
    taken = {name: list_taken(name, spec.own) for name in spec.architectures}
    points = {names: spec.list_points(name) for names, name in {names: name for name, names in taken.items()}.items()}
    turns = zip_longest(*([spec.sweep_trial(name, theta) for theta in points[taken[name]]] for name in taken))
    return [trial for turn in turns for trial in turn if trial is not None]


def _feed(spec: RunSpec, recorded: list[TrialFolder]) -> Feed:
    if spec.search == "tpe":
        from search.tuning.tpe import TpeSearch  # hyperopt takes a second, which a grid search need not wait for.

        return TpeSearch(spec, recorded)
    trials = list_trials(spec)
    if spec.scheduler == "halving":
        ladders = make_ladders(spec, trials, recorded)
        settle(ladders, recorded)
        return Halving(spec, ladders, recorded)
    return InTurn(trials, spec.max_epochs, recorded)
