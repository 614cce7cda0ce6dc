"""The search phase: every architecture's configurations, judged on held-out training images."""

from __future__ import annotations

from collections import Counter
from functools import partial

from search.cluster.nodes import Watch, why_nothing_runs
from search.cluster.session import Resources, ray_session
from search.datasets import dataset, load_split
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning.feed import Feed, InTurn
from search.tuning.jobs import Job, execute
from search.tuning.policy import Policy
from search.tuning.progress import Progress
from search.tuning.scheduler import scheduler_for
from spaces import TrialSpec
from spaces.specs.run import RunSpec
from spaces.specs.rungs import expected_epochs


def planned(spec: RunSpec) -> list[TrialSpec]:
    """The trials of a grid search, architectures interleaved so that all advance together.

    Every architecture visits the same configurations in the same shuffled order.
    """
    return [spec.sweep_trial(architecture, theta) for theta in spec.points() for architecture in spec.architectures]


def sweep(run: RunFolder, spec: RunSpec, resources: Resources, policy: Policy) -> None:
    """Runs what the sweep has left to do; trials that have a verdict are not touched.

    Raises:
        Interrupted: a signal; what was committed stays.
        Halted: the time budget is used up, the disk is full, or the cluster is lost; likewise.
        UserError: data or resources are missing.
    """
    recorded = run.recorded("sweep")
    run.reopen(recorded, spec.max_epochs, policy.retry_failed)
    if _left(spec, recorded).finished:
        return
    split = load_split(dataset(spec.dataset, spec.data_hash), "sweep", spec.split_seed)
    with ray_session(
        resources, spec.architectures, run.path, lambda: run.failures("sweep") > 0, spec.recipe is not None
    ) as slots:
        totals = dict.fromkeys(spec.architectures, spec.planned)
        deaths: Counter[tuple[str, int]] = Counter()
        while True:  # Until the records say that all is done.
            recorded = run.recorded("sweep")
            searcher = _left(spec, recorded)
            if searcher.finished:
                return
            progress = Progress("sweep", totals, expected_epochs(spec), recorded, partial(why_nothing_runs, resources))
            scheduler = scheduler_for(spec, run.path, recorded, run.guard)
            job = Job(run, split, spec.max_epochs, searcher, scheduler, progress)
            lost = execute(job, resources, slots, policy, Watch(resources, run.path).stuck, deaths)
            # TPE may have nothing new to propose for a space so narrow that rounding leaves nothing.
            done = spec.search == "tpe" and searcher.finished and not lost
            if done and all(trial.verdict() for trial in run.recorded("sweep")):
                return


def _left(spec: RunSpec, recorded: list[TrialFolder]) -> Feed:
    """Hands out what is to be done."""
    if spec.search == "tpe":
        from search.tuning.tpe import (
            TpeSearch,  # hyperopt takes a second to import, which a grid search need not wait for.
        )

        return TpeSearch(spec, recorded)
    ended = {folder.spec.trial_id for folder in recorded if folder.verdict() is not None}
    return InTurn([trial for trial in planned(spec) if trial.trial_id not in ended], spec.max_epochs)
