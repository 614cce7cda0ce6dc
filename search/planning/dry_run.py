"""What a run would take: from a short measurement on this machine, or for machines that a person describes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from timeit import timeit
from typing import NamedTuple

import numpy as np
import torch

import models
from analysis.choice import count_trainings, list_stages
from analysis.progress.outlook import list_parts
from analysis.records.reader import Run, read_run
from search.cluster.resources import Resources, count_cores, format_amount
from search.datasets import Arrays, Dataset, find_trained_on
from search.datasets.split import make_split
from search.planning.assumed import Assumed
from search.planning.reused import read_with_reused
from search.storage.reuse import describe_others
from search.training.engines import EngineChoice
from search.training.loop import Training, make_repeatable
from search.training.pack import PackTraining
from search.tuning.packs.engine import choose_engine
from search.tuning.policy import Policy
from spaces import Hyperparameters, TrialSpec, UserError
from spaces.common.errors import make_printable
from spaces.common.wording import format_count, format_length
from spaces.specs.extend import extend, read_known
from spaces.specs.halving import count_places
from spaces.specs.run import RunSpec

MANY = 20  # Steps of an epoch, where one of a single step is too short to be timed.
LONG_ENOUGH = 0.2  # Seconds.
ALLOCATIONS_COUNT = 1.0  # Seconds of an epoch below which they do.
SAFE = {"lr": 0.01, "momentum": 0.0, "weight_decay": 0.0, "gain": 1.0}
ROW_BYTES = 480  # One epoch in a record and in the copy that its outcome keeps.
PREDICTION_BYTES = 10_000  # Of a rerun, there too: 10,000 images, of which 40 % are wrong; 1,500 where 3 % are.


class Amount(NamedTuple):
    """What is left of a phase of an architecture: trials, and epochs that are to be expected."""

    trials: int
    epochs: float


def describe(
    spec: RunSpec,
    resources: Resources,
    policy: Policy,
    times: int = 1,
    phases: Sequence[str] = ("sweep", "choice", "rerun"),
    path: Path | None = None,
    assumed: Assumed | None = None,
) -> Iterator[str]:
    """Trials, epochs, hours and disk of a run, line by line as they are measured, without running it.

    The last line is of ``times`` such runs. Where the folder holds the run already, it is about what is left.

    Steps are timed here on random images of the data set's shape, so the estimate holds for a machine like this one,
    unless ``assumed`` says what an epoch takes.

    Raises:
        UserError: what the run would be refused for, or what nothing is known of.
    """
    assumed = assumed or Assumed()
    choice = choose_engine(spec, resources, spec.architectures)
    if not assumed:
        choice.announce(*spec.architectures)  # Refuses what cannot work.
    known = read_known(path) if path is not None else None
    spec = extend(known, spec) if known is not None else spec
    spec.check_searched()
    room, where = _find_room(resources, assumed)
    slots = min(room, policy.max_concurrent or room)
    searches = spec.thetas is None
    rungs = spec.list_rungs()
    device = resources.device if torch.cuda.is_available() else "cpu"
    make_repeatable(device, resources.threads)
    data = find_trained_on(spec)
    what = f"{spec.search} search of {spec.searched.name}" if searches else "fixed configurations"
    mine = read_run(path) if known is not None and path is not None else None
    left = _count_all(spec) if mine is None else _count_left(spec, mine)
    is_rest, reused = mine is not None, ""
    if policy.reuse is not None and path is None:
        reused = "  what --reuse would take over is not subtracted from replicates"
    elif policy.reuse is not None and path is not None:
        trained_there = replace(choice, here=False) if assumed.has_machines else choice
        run, others = read_with_reused(spec, path, policy, trained_there, resources)
        had = 0 if mine is None else _count_ended(spec, mine, phases)
        left, is_rest = _count_left(spec, run), True
        reused = _describe_reused(policy.reuse, _count_ended(spec, run, phases) - had, others)
    yield f"{what} on {spec.dataset}, {format_count(len(spec.architectures), 'architecture')}"
    bytes_kept = 0.0
    shared, longest = dict.fromkeys(phases, 0.0), dict.fromkeys(phases, 0.0)
    if not assumed.knows(spec.architectures):
        first = spec.architectures[0]
        measure(
            spec, data, first, device, choice, _count_lanes(spec, first, "sweep", choice)
        )  # It pays for starting libraries.
    for name in spec.architectures:
        amounts = {phase: left[name, phase] for phase in phases if left[name, phase].trials}
        seconds, told = assumed.find_seconds(name), "assumed"
        pace = {"sweep": seconds, "choice": seconds, "rerun": seconds}
        if seconds is None:
            lanes = {phase: _count_lanes(spec, name, phase, choice) for phase in amounts or phases[:1]}
            measured = {count: measure(spec, data, name, device, choice, count) for count in {*lanes.values()}}
            images = dict.fromkeys(("sweep", "choice"), data.train_images - data.holdout) | {"rerun": data.train_images}
            pace = {phase: measured[count][0] * images[phase] / measured[count][1] for phase, count in lanes.items()}
            told = f"{1000 * measured[next(iter(lanes.values()))][0]:.2f} ms a step on {device}"
        taken = 0.0
        for phase, amount in amounts.items():
            all_slots = amount.epochs * (pace[phase] or 0.0) / slots
            # A pack has one slot, and the pace is a lane's share.
            together = max(1, _count_lanes(spec, name, phase, choice))
            one_slot = min(amount.epochs, together * _count_in_turn(spec, name, phase)) * (pace[phase] or 0.0)
            taken += max(all_slots, one_slot)
            shared[phase] += all_slots
            longest[phase] = max(longest[phase], one_slot)
        bytes_kept += _count_bytes(spec, name, amounts, policy.keep_checkpoints, _weigh_checkpoint(spec, data, name))
        parts = [_describe_amount(spec, phase, amount, is_rest) for phase, amount in amounts.items()]
        epoch = next(iter(pace.values()))
        each = f"{told}, {format_length(epoch or 0.0)} an epoch"
        yield f"  {name}: {', '.join([*parts, each, f'about {format_length(taken)}'])}"
    when = f"epoch{'' if len(rungs) == 1 else 's'} {', '.join(map(str, rungs))}"
    rung_text = f"{spec.scheduler} judges at {when}" if rungs else "no early stopping"
    yield f"  {rung_text}; {where} {format_count(slots, 'trial')} at once"
    if reused:
        yield reused
    of = "in a new run folder" if times == 1 else f"for {times} replicates of this in new run folders"
    of = f"for what is left in {path}" if known is not None and times == 1 else of
    disk = f" and {times * bytes_kept / 2**20:.0f} MiB of disk" if bytes_kept else ""
    hours = times * sum(max(shared[phase], longest[phase]) for phase in phases) / 3600
    took, price = format_length(3600 * hours), assumed.format_price(hours)
    yield f"  in all about {took}{disk} {of}; nothing was run{price}"


def _find_room(resources: Resources, assumed: Assumed) -> tuple[int, str]:
    """How many trials run at once, and where.

    Raises:
        UserError: none fits, or that is not known here.
    """
    if assumed.has_machines:
        enough = resources.cpus_per_trial * 10_000 if resources.gpus_per_trial else count_cores()
        cpus = enough if assumed.cpus is None else assumed.cpus
        room = resources.count_slots(cpus, assumed.gpus or 0.0) * assumed.nodes
        if not room:
            raise UserError("assume: no trial fits such a machine; assume more, or give a trial less")
        return room, f"on {format_count(assumed.nodes, 'such node')}"
    ask = "give --assume cpus=..,gpus=..,seconds-per-epoch=.. to plan for other machines"
    if resources.address is not None:
        raise UserError(f"dry-run: it does not look at a cluster ({resources.address}); {ask}")
    cpus, gpus = count_cores(), torch.cuda.device_count()
    room = resources.count_slots(cpus, gpus)
    if not room:
        wanted = format_amount(resources.cpus_per_trial, resources.gpus_per_trial)
        raise UserError(f"dry-run: a trial asks for {wanted}, but this machine has {format_amount(cpus, gpus)}; {ask}")
    return room, "on this machine"


def _count_all(spec: RunSpec) -> dict[tuple[str, str], Amount]:
    counts: dict[tuple[str, str], Amount] = {}
    for name in spec.architectures:
        samples = spec.count_planned(name)
        raced = count_trainings(min(spec.finalists or 0, samples), spec.choice_seeds or 0)
        seeds = spec.rerun_seeds or 0
        counts[name, "sweep"] = Amount(samples, samples * spec.compute_expected_epochs() if samples else 0.0)
        counts[name, "choice"] = Amount(raced, float(raced * spec.max_epochs))
        counts[name, "rerun"] = Amount(seeds, float(seeds * (spec.rerun_epochs or 0)))
    return counts


def _count_left(spec: RunSpec, run: Run) -> dict[tuple[str, str], Amount]:
    """What the records leave to do of a run, as it is asked for now."""
    counts = dict.fromkeys(_count_all(spec), Amount(0, 0.0))
    for part in list_parts(replace(run, spec=spec.as_dict())):
        counts[part.architecture, part.phase] = Amount(part.left, part.epochs_left)
    return counts


def _count_ended(spec: RunSpec, run: Run, phases: Sequence[str]) -> int:
    """Trials of some phases that have ended and count."""
    return sum(part.ended for part in list_parts(replace(run, spec=spec.as_dict())) if part.phase in phases)


def _describe_reused(other: Path, count: int, others: int) -> str:
    """What ``--reuse`` spares: so many trials, and not those that something else made."""
    what = format_count(count, "trial") if count else "nothing"
    return f"  --reuse takes {what} over from {make_printable(other)}{describe_others(others)}"


def _describe_amount(spec: RunSpec, phase: str, amount: Amount, is_rest: bool) -> str:
    if is_rest:
        return f"{phase}: {format_count(amount.trials, 'trial')} left, about {format_count(amount.epochs, 'epoch')}"
    if phase == "sweep":
        most = amount.trials * spec.max_epochs
        return f"{format_count(amount.trials, 'trial')}, about {format_count(amount.epochs, 'epoch')} (at most {most})"
    if phase == "choice":
        return f"race of {amount.trials} x {format_count(spec.max_epochs, 'epoch')}"
    return f"{format_count(amount.trials, 'rerun')} x {format_count(spec.rerun_epochs or 0, 'epoch')}"


def _count_in_turn(spec: RunSpec, architecture: str, phase: str) -> int:
    """Epochs of a phase that run one after the other, however many slots there are: a race goes in stages."""
    finalists = min(spec.finalists or 0, spec.count_planned(architecture))
    stages = {seeds for _, seeds in list_stages(finalists, spec.choice_seeds or 0)}
    return {
        "sweep": spec.max_epochs,
        "choice": spec.max_epochs * len(stages),
        "rerun": spec.rerun_epochs or 0,
    }[phase]


def _count_bytes(spec: RunSpec, name: str, amounts: dict[str, Amount], kept: str, checkpoint_bytes: int) -> float:
    """What the records and the checkpoints take."""
    sweep, raced, seeds = (amounts.get(phase, Amount(0, 0.0)).trials for phase in ("sweep", "choice", "rerun"))
    rungs = spec.list_rungs()
    finished = sweep * spec.reduction_factor ** -len(rungs) + raced + seeds
    count = {"none": 0.0, "best": bool(sweep) + bool(raced) + bool(seeds), "all": finished}[kept]
    if spec.scheduler == "halving" and rungs and sweep:
        count += count_places(sweep, spec.reduction_factor)  # They wait.
    epochs = sum(amount.epochs for amount in amounts.values())
    return count * checkpoint_bytes + epochs * ROW_BYTES + seeds * PREDICTION_BYTES


def _count_lanes(spec: RunSpec, architecture: str, phase: str, choice: EngineChoice) -> int:
    """How many trials of a phase there are for a pack; 0 where each is trained without one."""
    if not choice.packs(architecture):
        return 0
    together = {"sweep": spec.count_planned(architecture), "choice": spec.finalists or 1, "rerun": 1}[phase]
    return max(1, min(choice.lanes, together))


def measure(
    spec: RunSpec, data: Dataset, architecture: str, device: str, choice: EngineChoice, lanes: int = 0
) -> tuple[float, int]:
    """Seconds of a training step on this machine, and its images, which are random.

    In a pack of so many lanes they are a lane's share. Where the batch size is searched, the step is one of a
    middle size.
    """
    trial = _make_safe_trial(spec, architecture)
    rng = np.random.default_rng(0)
    batch = min(trial.batch_size, data.train_images)  # A batch holds no more than there is.
    steps = 1
    while True:
        images = batch * steps
        grey = rng.integers(0, 256, (images, *data.input_shape), dtype=np.uint8)
        y = rng.integers(0, data.classes, images)
        split = make_split(data, Arrays(grey, y), Arrays(grey[:1], y[:1]))
        training: Training | PackTraining | None = None  # Before there is another one, or both take memory.
        try:
            if lanes:
                training = PackTraining([trial] * lanes, split, device)
            else:
                training = Training(trial, split, device, choice.asked)
            taken = timeit(training.run_epoch, number=1)
            if taken < ALLOCATIONS_COUNT:  # The first pass pays for them.
                taken = timeit(training.run_epoch, number=1)
        except torch.OutOfMemoryError:
            if lanes < 2:
                raise
            lanes //= 2  # As the sweep would.
            continue
        if taken / steps >= LONG_ENOUGH or steps == MANY:
            break
        steps = MANY
    return taken / steps / max(1, lanes), batch


def _make_safe_trial(spec: RunSpec, architecture: str) -> TrialSpec:
    """A trial that does not diverge."""
    values = {name: SAFE.get(name, value) for name, value in spec.find_middle(architecture).items()}
    safe = Hyperparameters.from_mapping(values)
    return spec.list_rerun_trials(architecture, safe)[0] if spec.thetas else spec.sweep_trial(architecture, safe)


def _weigh_checkpoint(spec: RunSpec, data: Dataset, architecture: str) -> int:
    """Bytes of a trial's checkpoint."""
    theta = _make_safe_trial(spec, architecture).theta
    network = models.build(
        architecture,
        gain=theta.gain,
        seed=spec.seed,
        input_shape=data.input_shape,
        classes=data.classes,
        further=theta.constructor,
    )
    values = [*network.state_dict().values(), *network.parameters()]  # Momentum doubles the weights.
    return sum(value.nbytes for value in values)
