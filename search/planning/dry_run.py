"""What a run would take, from a short measurement on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from timeit import timeit

import numpy as np
import torch

from analysis.choice import count_trainings
from search.cluster.resources import Resources, count_cores
from search.datasets import Arrays, Dataset, find_dataset
from search.datasets.split import find_split
from search.training.engines import EngineChoice
from search.training.loop import Training, make_repeatable
from search.tuning.policy import Policy
from spaces import Hyperparameters
from spaces.common.wording import format_count
from spaces.specs.halving import count_places
from spaces.specs.run import RunSpec

MANY = 20  # Steps of an epoch, where one of a single step is too short to be timed.
LONG_ENOUGH = 0.2  # Seconds.
ALLOCATIONS_COUNT = 1.0  # Seconds of an epoch below which they do.
SAFE = {"lr": 0.01, "momentum": 0.0, "weight_decay": 0.0, "gain": 1.0}
ROW_BYTES = 480  # One epoch in a record and in the copy that its outcome keeps.
PREDICTION_BYTES = 10_000  # Of a rerun, there too: 10,000 images, of which 40 % are wrong; 1,500 where 3 % are.


def describe(spec: RunSpec, resources: Resources, policy: Policy, times: int = 1) -> Iterator[str]:
    """Trials, epochs, hours and disk of a run, line by line as they are measured, without running it.

    The last line is of ``times`` such runs.

    Steps are timed here on random images of the data set's shape, so the estimate holds for a machine like this one.
    """
    choice = EngineChoice(resources.engine, resources.device, spec.augments, resources.address is None)
    choice.announce(*spec.architectures)  # Refuses what cannot work.
    searches = spec.thetas is None
    epochs = spec.compute_expected_epochs() if searches else 0.0
    seeds, rerun_epochs = spec.rerun_seeds or 0, spec.rerun_epochs or 0
    rungs = spec.list_rungs()
    device = resources.device if torch.cuda.is_available() else "cpu"
    make_repeatable(device, resources.threads)
    room = resources.count_slots(count_cores(), torch.cuda.device_count())
    slots = min(max(1, room), policy.max_concurrent or room or 1)
    data = find_dataset(spec.dataset, spec.data_hash, spec.data_source)
    images = data.train_images
    what = f"{spec.search} search of {spec.searched.name}" if searches else "fixed configurations"
    yield f"{what} on {spec.dataset}, {format_count(len(spec.architectures), 'architecture')}"
    hours = bytes_kept = 0.0
    measure(spec, data, spec.architectures[0], device, resources.engine)  # The first pays for starting libraries.
    for name in spec.architectures:
        samples = spec.count_planned(name)
        step, batch, checkpoint_bytes = measure(spec, data, name, device, resources.engine)
        swept = samples * epochs * step * (images - data.holdout) / batch
        again = seeds * rerun_epochs
        raced = count_trainings(min(spec.finalists or 0, samples), spec.choice_seeds or 0)
        swept += raced * spec.max_epochs * step * (images - data.holdout) / batch
        seconds = (swept + again * step * images / batch) / slots
        hours += seconds / 3600
        finished = samples * spec.reduction_factor ** -len(rungs) + raced + seeds
        kept = {"none": 0.0, "best": 1 + bool(raced) + bool(again), "all": finished}[policy.keep_checkpoints]
        kept += (
            count_places(samples, spec.reduction_factor) if spec.scheduler == "halving" and rungs else 0
        )  # They wait.
        bytes_kept += kept * checkpoint_bytes + (samples * epochs + raced * spec.max_epochs + again) * ROW_BYTES
        bytes_kept += seeds * PREDICTION_BYTES
        parts = [f"{1000 * step:.2f} ms a step on {device}", f"about {seconds / 3600:.2f} h"]
        if again:
            parts.insert(0, f"{format_count(seeds, 'rerun')} x {format_count(rerun_epochs, 'epoch')}")
        if raced:
            parts.insert(0, f"race of {raced} x {format_count(spec.max_epochs, 'epoch')}")
        if searches:
            trials = f"{format_count(samples, 'trial')}, about {format_count(samples * epochs, 'epoch')}"
            parts.insert(0, f"{trials} (at most {samples * spec.max_epochs})")
        yield f"  {name}: {', '.join(parts)}"
    when = f"epoch{'' if len(rungs) == 1 else 's'} {', '.join(map(str, rungs))}"
    rung_text = f"{spec.scheduler} judges at {when}" if rungs else "no early stopping"
    at_once = f"{format_count(slots, 'trial')} at once" if room else "no trial fits, the hours are for one at a time"
    yield f"  {rung_text}; on this machine {at_once}"
    where = "in a new run folder" if times == 1 else f"for {times} replicates of this in new run folders"
    amounts = f"{times * hours:.2f} h and {times * bytes_kept / 2**20:.0f} MiB of disk"
    yield f"  in all about {amounts} {where}; nothing was run"


def measure(spec: RunSpec, data: Dataset, architecture: str, device: str, engine: str) -> tuple[float, int, int]:
    """Seconds of a training step on this machine, its images, which are random, and bytes of a checkpoint.

    Where the batch size is searched, the step is one of a middle size.
    """
    safe = Hyperparameters.from_mapping(
        {name: SAFE.get(name, value) for name, value in spec.find_middle(architecture).items()}
    )
    trial = spec.list_rerun_trials(architecture, safe)[0] if spec.thetas else spec.sweep_trial(architecture, safe)
    rng = np.random.default_rng(0)
    batch = min(trial.batch_size, data.train_images)  # A batch holds no more than there is.
    steps = 1
    while True:
        images = batch * steps
        grey = rng.integers(0, 256, (images, *data.input_shape), dtype=np.uint8)
        y = rng.integers(0, data.classes, images)
        training = Training(trial, find_split(data, Arrays(grey, y), Arrays(grey[:1], y[:1])), device, engine)
        taken = timeit(training.run_epoch, number=1)
        if taken < ALLOCATIONS_COUNT:  # The first pass pays for them.
            taken = timeit(training.run_epoch, number=1)
        if taken / steps >= LONG_ENOUGH or steps == MANY:
            break
        steps = MANY
    values = [*training.network.state_dict().values(), *training.network.parameters()]  # Momentum doubles the weights.
    return taken / steps, batch, sum(value.nbytes for value in values)
