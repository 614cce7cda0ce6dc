"""Runs trials on Ray Tune until each has a verdict."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ray import tune
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import ConcurrencyLimiter, Searcher

from search.cluster import Resources
from search.datasets.split import Split
from search.interrupt import Interrupt
from search.progress import Progress, UnsavedCallback
from search.run_folder import RunFolder
from search.trainable import TIME_ATTR, RecordedTrial
from search.trial_folder import ENDED_BY_ITSELF, TrialFolder
from spaces import TrialSpec

MAX_WORKER_DEATHS = 3


@dataclass(frozen=True)
class Job:
    """Trials to run.

    Attributes:
        run: the run folder.
        split: the images, which every trial of the job shares.
        max_epochs: each trial's budget.
        trials: the unfinished trials, in order; empty where a searcher proposes them.
        searcher: proposes trials one by one, or None.
        scheduler: judges them.
        progress: shows them.
        trainable: what Tune runs for each trial; the benchmarks bring one that computes nothing.
    """

    run: RunFolder
    split: Split
    max_epochs: int
    trials: Sequence[TrialSpec]
    searcher: Searcher | None
    scheduler: TrialScheduler
    progress: Progress
    trainable: type[tune.Trainable] = RecordedTrial


class Verdicts(UnsavedCallback):
    """Writes how each trial ended, the moment Tune decides it.

    ASHA's STOP is known only here: without the verdict a restart would reopen stopped trials.
    """

    def __init__(self, job: Job, interrupt: Interrupt):
        self._job, self._interrupt = job, interrupt

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial ended by itself, or ASHA stopped it."""
        last = trial.last_result
        if self._interrupt.stop_all() or TIME_ATTR not in last:
            return  # An interruption is no verdict.
        if last["status"] in ENDED_BY_ITSELF:
            status = last["status"]
        else:
            status = "completed" if last[TIME_ATTR] >= self._job.max_epochs else "stopped"
        self._folder(trial).decide(status, last[TIME_ATTR])
        self._job.progress.ended(trial, status)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker died too often; the record says so even if it never had a row."""
        if self._interrupt.stop_all():
            return
        folder = self._folder(trial)
        folder.read()
        folder.fail(
            f"its worker died {MAX_WORKER_DEATHS + 1} times, for lack of memory perhaps; Ray's logs may say more"
        )
        folder.decide("failed", folder.epoch)
        self._job.progress.ended(trial, "failed")

    def _folder(self, trial: Any) -> TrialFolder:
        return TrialFolder(self._job.run.path, TrialSpec.from_dict(trial.config["trial"]))


def execute(job: Job, resources: Resources, slots: int) -> None:
    """Runs a job in the current Ray session.

    Tune's own folder is scratch: a fresh Tuner over what is unfinished replaces ``Tuner.restore``.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; what was committed stays.
    """
    shutil.rmtree(job.run.scratch, ignore_errors=True)
    interrupt = Interrupt()
    trainable = tune.with_resources(
        tune.with_parameters(
            job.trainable,
            split=job.split,
            run=str(job.run.path),
            device=resources.device,
            threads=resources.threads,
            engine=resources.engine,
        ),
        {"cpu": resources.cpus_per_trial, "gpu": resources.gpus_per_trial},
    )
    planned = {"trial": tune.grid_search([trial.as_dict() for trial in job.trials]), "max_epochs": job.max_epochs}
    # Tune would let a searcher have one waiting trial only: workers would start one by one, and a cluster never grow.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots) if job.searcher else "auto"
    searcher = None if job.searcher is None else ConcurrencyLimiter(job.searcher, max_concurrent=slots)
    tuner = tune.Tuner(
        trainable,
        param_space={} if searcher else planned,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=job.scheduler,
            num_samples=-1 if searcher else 1,
            reuse_actors=True,
            trial_name_creator=lambda trial: trial.config["trial"]["trial_id"],
            trial_dirname_creator=lambda trial: trial.config["trial"]["trial_id"],
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(job.run.scratch),
            verbose=0,
            stop=interrupt,
            callbacks=[Verdicts(job, interrupt), job.progress],
            failure_config=tune.FailureConfig(max_failures=MAX_WORKER_DEATHS),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    with job.progress.shown(), interrupt.listening():
        tuner.fit()
    shutil.rmtree(job.run.scratch, ignore_errors=True)
