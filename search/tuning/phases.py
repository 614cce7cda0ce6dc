"""Takes a run folder, trains what is left of its phases and lets it go: what every command that trains does."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analysis.progress.left import Limits, weigh
from models.own import pack
from search.cluster.nodes import Watch, explain_waiting
from search.cluster.resources import Resources
from search.cluster.session import ray_session, shared_session
from search.cluster.surroundings import check_utf8
from search.datasets import find_trained_on, load_split
from search.loggers.exporter import logged
from search.storage.reuse import check_reusable, describe_others, take_over
from search.storage.run_folder import RunFolder
from search.storage.sources import load_kept
from search.storage.trial_folder import TrialFolder
from search.training.engines import EngineChoice
from search.tuning.events import Event
from search.tuning.feed import Feed
from search.tuning.jobs import Job, execute
from search.tuning.packs.engine import choose_engine
from search.tuning.packs.feed import Packs
from search.tuning.packs.trainable import RecordedPack
from search.tuning.policy import Policy
from search.tuning.progress import Progress
from search.tuning.scheduler import InOrder
from search.tuning.trainable import RecordedTrial
from spaces.common.errors import make_printable
from spaces.common.wording import format_count
from spaces.files.sealed import read_sealed
from spaces.specs.run import RunSpec


@dataclass(frozen=True)
class Phase:
    """What sweeps, races and reruns differ in."""

    name: str  # One of ``protocol.PHASES``.
    trials: Mapping[str, int]  # Planned, by architecture.
    epochs: int  # The budget of a trial.
    limits: Limits  # How many of them a trial is to be expected to take.
    recorded: Callable[[], list[TrialFolder]]  # Reads the trials that have a record.
    feed: Callable[[list[TrialFolder]], Feed]  # Hands out what these leave to do.
    scheduler: Callable[[list[TrialFolder]], InOrder]  # Judges trials, knowing what was decided of these.
    ladder: Sequence[int] = ()  # Where trials wait at rungs, their epochs and, last, the budget.

    def count_failures(self) -> int:
        """How many of its trials failed; what an earlier incumbent left is not among them."""
        return sum(folder.read_outcome() == "failed" for folder in self.recorded())


def train_run(
    path: str | Path,
    asked: RunSpec,
    plans: Sequence[Callable[[RunFolder, RunSpec], Phase]],
    resources: Resources,
    policy: Policy,
    logs: Sequence[str] = (),
    on_event: Callable[[Event], object] | None = None,
    command: str | None = None,
) -> int:
    """Trains what is left of a run.

    Args:
        path: its folder; where it holds the same run already, that is extended.
        asked: what to train.
        plans: of ``plan_sweep``, ``plan_choice`` and ``plan_rerun``; each is made once the phase before has ended.
        resources: what each trial gets, and where.
        policy: how this invocation treats the run.
        logs: names of loggers.
        on_event: is told of each event instead of a person who watches.
        command: what was called, for the history; None: the program's command line.

    Returns:
        How many trials of these phases failed.

    Raises:
        Interrupted: a signal; what was committed stays.
        Halted: the time budget is used up, the disk is full, or the cluster is lost; what was committed stays.
        UserError: the folder is another run's, or in use, or data, resources or incumbents are missing.
    """
    run = RunFolder(path)
    check_utf8(str(run.path))
    load_kept(run.given, asked.own)
    engine = choose_engine(asked, resources, asked.architectures)
    engine.announce(*asked.architectures)  # Refuses what cannot work, before the folder is made.
    engines = {name: engine.describe(name, resources.threads) for name in asked.architectures}
    if policy.reuse is not None:
        check_reusable(policy.reuse, run.path, engines, policy.accept_changes)
    with (
        run.driven(asked, engines, policy.accept_changes, policy.force, command) as spec,
        logged(run.path, logs),
        shared_session(),
    ):
        phases: list[Phase] = []
        for plan in plans:
            run.guard.refresh()
            phases.append(plan(run, spec))
            train_phase(phases[-1], run, spec, resources, policy, engine, on_event)
    return sum(phase.count_failures() for phase in phases)


def train_phase(
    phase: Phase,
    run: RunFolder,
    spec: RunSpec,
    resources: Resources,
    policy: Policy,
    engine: EngineChoice,
    on_event: Callable[[Event], object] | None = None,
) -> None:
    """Trains what a phase has left to do; trials that have ended are not touched. Raises what ``train_run`` does."""
    recorded = phase.recorded()
    run.reopen(recorded, phase.epochs, policy.retry_failed)
    feed = phase.feed(recorded)
    if policy.reuse is not None and run.refusal is None:
        count = others = 0
        made_by = engine.list_makers(feed.architectures)
        rungs = spec.list_rungs() if phase.name == "sweep" else ()
        taken = 1
        while taken:
            taken, others = take_over(run, policy.reuse, feed.left, phase.epochs, rungs, made_by, policy.accept_changes)
            if taken:
                count += taken
                recorded = phase.recorded()
                feed = phase.feed(recorded)  # A race may now ask for more.
        if count or not feed.finished:
            said = f"{phase.name}: {format_count(count, 'trial')} taken over from {make_printable(policy.reuse)}"
            print(f"{said}{describe_others(others)}", file=sys.stderr)
    if feed.finished:
        return
    run.check_changes()
    left = [name for name in spec.architectures if name in feed.architectures]
    # Others of the user's own architectures, which have ended, are not imported.
    load_kept(run.path, {name: one for name, one in (spec.own or {}).items() if name in left})
    engine = choose_engine(spec, resources, left)  # Earlier commands may have asked for others.
    run.check_engines({name: engine.describe(name, resources.threads) for name in left}, policy.accept_changes)
    feed = pack_trials(feed, engine)
    split = load_split(find_trained_on(spec), phase.name, spec.split_seed)
    print(engine.announce(*left), file=sys.stderr)
    engines = engine.list_makers(name for name in left if not engine.packs(name))
    if on_event is None and (warning := policy.warn_of_time()):
        print(warning, file=sys.stderr)
    with ray_session(resources, run.path, lambda: phase.count_failures() > 0) as slots:
        deaths: Counter[tuple[str, int]] = Counter()
        weights = weigh(read_sealed(run.path / "costs.json") or {})
        while not feed.finished:  # Until the records say that all is done.
            why_idle = partial(explain_waiting, resources)
            progress = Progress(
                phase.name, phase.trials, phase.limits, recorded, why_idle, on_event, phase.ladder, weights
            )
            trainable = RecordedTrial if engine.lanes == 1 else RecordedPack
            judges = phase.scheduler(recorded)
            job = Job(run, split, feed, judges, progress, trainable, pack(left), engines, phase.recorded)
            execute(job, resources, slots, policy, Watch(resources, run.path).explain_stuck, deaths)
            recorded = phase.recorded()
            feed = pack_trials(phase.feed(recorded), engine)


def pack_trials(feed: Feed, engine: EngineChoice) -> Feed:
    """What hands out the same trials, in packs where the engine trains some."""
    return feed if engine.lanes == 1 else Packs(feed, engine.lanes, engine.alone)
