"""Runs trials on Ray Tune until each has an outcome."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError
from ray.tune import Callback
from ray.tune.search import ConcurrencyLimiter

from models.own import Parcel
from search.cluster.resources import Resources
from search.cluster.stored import Stored
from search.cluster.tuned import tuned_lean
from search.datasets.split import Split
from search.errors import TIME_IS_UP, Halted, TimeIsUp, explain_error
from search.storage.provenance import describe_expected_nodes
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning.feed import Feed
from search.tuning.packs.lanes import is_pack, list_lanes
from search.tuning.policy import Keeper, Policy
from search.tuning.progress import Progress, Silent
from search.tuning.scheduler import InOrder
from search.tuning.stopper import Interrupt
from search.tuning.trainable import TIME_ATTR, RecordedTrial, Unsaved
from spaces import TrialSpec
from spaces.specs.protocol import ENDED_BY_ITSELF

COLOURS = re.compile(r"\x1b\[[\d;]*m")  # Of a terminal, in what Ray says.
# With no epoch committed in between; a long trial on spot machines may lose many workers and still advance.
MAX_WORKER_DEATHS = 3


@dataclass(frozen=True)
class Job:
    """Trials to run."""

    run: RunFolder
    split: Split  # All trials share it.
    searcher: Feed  # Hands out the trials one by one.
    scheduler: InOrder  # Judges them.
    progress: Progress  # Shows them.
    trainable: type[tune.Trainable] = RecordedTrial  # The benchmarks bring one that computes nothing.
    own: Mapping[str, Parcel] = field(default_factory=dict)  # The user's own architectures, for the workers.
    engines: Mapping[str, str] = field(default_factory=dict)  # By architecture, where they were announced.
    recorded: Callable[[], Sequence[TrialFolder]] = list  # Reads those of the phase that have a record.


class Limiter(ConcurrencyLimiter):
    """Hands out at most so many trials at once, and none any more once ``is_over`` says so."""

    def __init__(self, searcher: Feed, slots: int, is_over: Callable[[], bool]):
        super().__init__(searcher, max_concurrent=slots)
        self._is_over = is_over

    def suggest(self, trial_id: str) -> Any:
        """The next trial; None while there is none."""
        return None if self._is_over() else super().suggest(trial_id)


class Outcomes(Unsaved, Callback):
    """Writes how each trial ended, the moment Tune decides it.

    ASHA's STOP is known only here: without the outcome a restart would reopen stopped trials.
    """

    def __init__(self, job: Job, interrupt: Interrupt, keeper: Keeper, deaths: Counter[tuple[str, int]], slots: int):
        self._job, self._interrupt, self._keeper = job, interrupt, keeper
        self._deaths, self._slots = deaths, slots
        self._started: set[str] = set()
        self._told: set[tuple[str, str]] = set()  # Lanes of packs that have ended.
        self._unstarted = 0  # Workers in a row that died before they began.
        self.ended = 0  # Trials that got an outcome, or reached a rung.
        self.lost = 0  # Trials whose worker died before it began: ended for Tune, but not on record; they run again.

    def setup(self, *args: Any, **info: Any) -> None:
        """Takes SIGUSR1 back from Tune, which would end the sweep as if it were complete."""
        self._interrupt.take_back()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A worker has begun with a trial."""
        self._started.add(trial.trial_id)
        self._unstarted = 0

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Lanes of a pack end while the others go on."""
        if not is_pack(trial):
            return
        with self._interrupt.on_trouble():
            for lane in list_lanes(trial, result):
                if lane.last_result["done"] and lane.key not in self._told and not self._interrupt.stop_all():
                    self._told.add(lane.key)
                    self._end(lane)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial ended by itself, ASHA stopped it, or it was trained as far as it was handed out."""
        with self._interrupt.on_trouble():
            if is_pack(trial) or self._interrupt.stop_all() or TIME_ATTR not in trial.last_result:
                return  # An interruption is no outcome.
            self._end(trial)

    def _end(self, trial: Any) -> None:
        """Enters the end that a trial's last report tells of."""
        last = trial.last_result
        status = last["status"]
        if status not in ENDED_BY_ITSELF:
            status = "completed" if last[TIME_ATTR] >= trial.config["max_epochs"] else "stopped"
        self._finish(trial, status, last[TIME_ATTR])

    def _finish(self, trial: Any, status: str, epoch: int) -> None:
        """Writes an outcome, unless the trial has only come as far as a rung, and those that follow from it."""
        folder, progress = self._find_folder(trial), self._job.progress
        if status == "completed" and trial.config["rung"]:
            folder.read()
            progress.mark_waiting(trial)
        else:
            folder.decide(status, epoch, status == "completed" and self._keeper.keeps(folder))
            progress.mark_ended(trial, status)
        self.ended += 1
        for spec in self._job.searcher.take_in(folder):
            other = TrialFolder(self._job.run.path, spec, self._job.run.guard)
            other.read()
            other.decide("stopped", other.epoch)
            progress.mark_stopped(other)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker died and Tune is about to try again; too often with none committed, it has failed."""
        with self._interrupt.on_trouble():
            if not self._interrupt.stop_all() and self._has_failed(trial):
                trial.max_failures = 0  # Its next worker says that it has ended, or is the last one.

    def _has_failed(self, trial: Any) -> bool:
        """Counts a death; True, on record, where it was one too many with no epoch committed in between.

        An error that keeps a worker from starting would stop all others too, so it ends the sweep, as do many workers
        in a row that die before they begin; no trial is to blame for either.
        """
        interrupt, (why, cannot_start, cause) = self._interrupt, _explain_death(trial)
        if cannot_start:
            interrupt.reason = interrupt.reason or f"a worker cannot start: {why}"
        if trial.trial_id not in self._started:
            self._unstarted += 1
            if self._unstarted > MAX_WORKER_DEATHS * self._slots:
                many = f"{self._unstarted} workers in a row died before they began"
                interrupt.reason = interrupt.reason or f"{many}: {why}"
            return False
        self._started.discard(trial.trial_id)
        if interrupt.reason is not None:
            return False
        # A lane that has been told done waits for the others; their worker's death is none of its own.
        lanes = [lane for lane in list_lanes(trial) if not is_pack(trial) or lane.key not in self._told]
        folders = [self._find_folder(lane) for lane in lanes]
        for folder in folders:
            folder.read()
            key = (folder.spec.trial_id, folder.epoch)
            self._deaths[key] += 1
            if self._deaths[key] > MAX_WORKER_DEATHS and folder.status not in ENDED_BY_ITSELF:
                times = f"{MAX_WORKER_DEATHS + 1} times in or after epoch {folder.epoch + 1}"
                folder.fail(f"its worker died {times}, {cause}")
        return all(folder.status in ENDED_BY_ITSELF for folder in folders)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker died before the trial began there, as when its node was taken away."""
        with self._interrupt.on_trouble():
            if self._interrupt.stop_all():
                return
            if not self._has_failed(trial):
                self.lost += 1
                return
            for lane in list_lanes(trial):
                folder = self._find_folder(lane)
                folder.read()
                if not is_pack(trial) or lane.key not in self._told:
                    self._finish(lane, folder.status, folder.epoch)

    def _find_folder(self, trial: Any) -> TrialFolder:
        return TrialFolder(self._job.run.path, TrialSpec.from_dict(trial.config["trial"]), self._job.run.guard)


def _explain_death(trial: Any) -> tuple[str, bool, str]:
    """Ray's word for the death of a trial's worker, whether an error of Python kept it from starting, and the cause."""
    unknown = "perhaps for lack of memory"
    if trial.run_metadata.pickled_error_filename is None:
        return "Ray does not say why", False, unknown
    error = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())  # Tune tells its callbacks nothing.
    said = COLOURS.sub("", str(error)).strip() or type(error).__name__
    cause = f"the last time by this error:\n{said}" if isinstance(error, RayTaskError) else unknown
    return said.splitlines()[-1], isinstance(error, RayActorError) and error.actor_init_failed, cause


def execute(
    job: Job,
    resources: Resources,
    slots: int,
    policy: Policy,
    stuck: Callable[[], str | None] = lambda: None,
    deaths: Counter[tuple[str, int]] | None = None,
) -> None:
    """Runs a job in the current Ray session.

    Tune's own folder is scratch: a fresh Tuner over what is unfinished replaces ``Tuner.restore``. Trials whose
    worker died before they began are left to the next call.

    Args:
        job: what to run.
        resources: what each trial gets.
        slots: how many trials run, or wait for room, at once.
        policy: limits of this invocation, and which checkpoints it keeps.
        stuck: says why the cluster can run nothing more, or None.
        deaths: of workers, by trial and epoch, in earlier calls for the same trials.

    Raises:
        Interrupted, Halted: as ``train_run``; and whatever a listener of ``job.progress`` has raised.
    """
    job.run.clear_scratch()
    slots = min(slots, policy.max_concurrent or slots)

    def check_time() -> None:
        """Where Tune ends in its own way, it waits for workers that have nothing to tell."""
        if policy.is_time_up() and not job.scheduler.begin_last_epochs():
            job.scheduler.free_workers()
            raise TimeIsUp(job.progress.say_so_far(TIME_IS_UP))

    def check_listener() -> str | None:
        return None if job.progress.refusal is None else job.progress.say_so_far(f"on_event: {job.progress.refusal}")

    interrupt = Interrupt(check_time, check_listener, lambda: job.scheduler.trouble, stuck)
    interrupt.on_signal = job.progress.stop
    keeper = Keeper(policy.keep_checkpoints, job.recorded)
    outcomes = Outcomes(job, interrupt, keeper, Counter() if deaths is None else deaths, slots)
    split = Stored(job.split)
    trainable = tune.with_resources(
        tune.with_parameters(
            job.trainable,
            split=split,
            run=str(job.run.path),
            resources=resources,
            guard=job.run.guard,
            own=job.own,
            engines=job.engines,
            rungs=job.scheduler.rungs,
            expected={} if policy.accept_changes else describe_expected_nodes(),
        ),
        {"cpu": resources.cpus_per_trial, "gpu": resources.gpus_per_trial},
    )
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots)  # Waiting trials are what makes a cluster grow.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    try:
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=Limiter(job.searcher, slots, policy.is_time_up),
                scheduler=job.scheduler,
                num_samples=-1,  # Until the searcher has no more.
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.config["trial"]["trial_id"],
                trial_dirname_creator=lambda trial: f"{trial.config['trial']['trial_id']}-{trial.config['max_epochs']}",
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=str(job.run.scratch),
                verbose=0,
                progress_reporter=Silent(),
                stop=interrupt,
                callbacks=[job.progress, outcomes],  # What a lane has reported counts before its end.
                failure_config=tune.FailureConfig(max_failures=-1),  # `Outcomes` counts.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        # Ray prints what it has to say of dead nodes where tables are to go.
        with redirect_stdout(sys.stderr), job.progress.shown(), interrupt.listening(), tuned_lean():
            tuner.fit()
    except Halted:
        if job.progress.refusal is not None:
            raise job.progress.refusal from None
        raise
    except OSError as error:
        raise Halted(explain_error(error)) from error
    except RuntimeError as error:
        if not isinstance(error.__cause__, OutOfMemoryError):
            raise
        first = str(error.__cause__).splitlines()[0].rstrip(".")
        raise Halted(f"{first}; give each trial more of a node (--cpus-per-trial)") from error
    split.free()
    shutil.rmtree(job.run.scratch, ignore_errors=True)
    if not outcomes.ended and not outcomes.lost:  # Or a loop that asks the records would never end.
        raise Halted(job.progress.say_so_far("Ray Tune ended before any trial did"))
