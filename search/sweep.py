"""The search phase: every architecture's configurations, judged on held-out training images."""

from __future__ import annotations

from search.cluster import Resources, ray_session
from search.datasets import dataset, load_split
from search.execute import Job, execute
from search.progress import Progress
from search.run_folder import RunFolder
from search.scheduler import expected_epochs, scheduler_for
from spaces import TrialSpec
from spaces.run import RunSpec


def planned(spec: RunSpec) -> list[TrialSpec]:
    """The trials of a grid search, architectures interleaved so that all advance together.

    Every architecture visits the same configurations in the same shuffled order.
    """
    points = spec.searched.grid(spec.seed)[: spec.samples]
    return [spec.sweep_trial(architecture, theta) for theta in points for architecture in spec.architectures]


def sweep(run: RunFolder, spec: RunSpec, resources: Resources) -> None:
    """Runs what the sweep has left to do; trials that have a verdict are not touched.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; what was committed stays.
        UserError: data or resources are missing.
    """
    recorded = run.recorded("sweep")
    ended = {folder.spec.trial_id for folder in recorded if folder.verdict() is not None}
    if spec.search == "tpe":
        from search.tpe import TpeSearch  # hyperopt takes a second to import, which a grid search need not wait for.

        trials, searcher = [], TpeSearch(spec, recorded)
        if searcher.finished:
            return
    else:
        trials, searcher = [trial for trial in planned(spec) if trial.trial_id not in ended], None
        if not trials:
            return
    split = load_split(dataset(spec.dataset), "sweep", spec.split_seed)
    with ray_session(resources, spec.architectures) as slots:
        totals = dict.fromkeys(spec.architectures, spec.planned)
        progress = Progress("sweep", totals, expected_epochs(spec), recorded)
        job = Job(run, split, spec.max_epochs, trials, searcher, scheduler_for(spec, recorded), progress)
        execute(job, resources, slots)
