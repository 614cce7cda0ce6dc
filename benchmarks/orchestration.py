"""What invsearch and Ray Tune cost beside the training itself, as a sweep grows.

Trials that compute nothing go through everything that real ones do: Tune, ASHA, workers, a record and a checkpoint
each epoch, outcomes. Reported are seconds per trial and per report, and the driver's peak memory, for 256, 1,024 and
4,096 trials of two epochs, each number of trials in a fresh process. The clock runs from the first report to the last,
so starting Ray and its workers is not counted. The start has a table of its own: seconds from the call of the real
command to its first epoch, for grids of 256, 2,048 and 20,000 trials.

    python -m benchmarks.orchestration
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

from search.cluster.session import Resources, set_environment

set_environment(Resources())  # Ray reads its settings when it is imported.

import numpy as np  # noqa: E402
import torch  # noqa: E402

from analysis.progress.left import Limits  # noqa: E402
from benchmarks.options import make_parser, publish  # noqa: E402
from benchmarks.report import Report, describe_target, format_times  # noqa: E402
from benchmarks.start import GRIDS, measure_start  # noqa: E402
from search.cluster.session import ray_session  # noqa: E402
from search.datasets.split import Split  # noqa: E402
from search.storage.run_folder import RunFolder  # noqa: E402
from search.storage.trial_folder import TrialFolder  # noqa: E402
from search.training.loop import Epoch  # noqa: E402
from search.tuning.feed import InTurn  # noqa: E402
from search.tuning.jobs import Job, execute  # noqa: E402
from search.tuning.policy import Policy  # noqa: E402
from search.tuning.progress import Progress  # noqa: E402
from search.tuning.scheduler import make_scheduler  # noqa: E402
from search.tuning.trainable import RecordedTrial  # noqa: E402
from spaces import SPACES, Hyperparameters  # noqa: E402
from spaces.specs.run import RunSpec  # noqa: E402

MODULE = "benchmarks.orchestration"
SIZES = (256, 1024, 4096)
QUICK_SIZES = (4, 8)
EPOCHS = 2
TARGET = 1.3
START_TARGET = 2.0  # Seconds per thousand trials.


class NoTraining:
    """Has the weights of a small network, and an accuracy that is a function of the configuration."""

    engine = SimpleNamespace(identity=dict)

    def __init__(self, folder: TrialFolder) -> None:
        self._folder, self._weights = folder, torch.zeros(5000)

    def run_epoch(self) -> Epoch:
        """An epoch that takes no time."""
        accuracy = self._folder.spec.theta.lr % 0.1 * 10
        return Epoch(self._folder.epoch + 1, 1.0, 1.0, accuracy, 0.0, False)

    def state(self) -> dict[str, Any]:
        """A checkpoint of 20 kB, as the conv network's."""
        return {"weights": self._weights}


class Untrained(RecordedTrial):
    """A trial without arithmetic."""

    def _open_training(self, folder: TrialFolder) -> Any:
        return NoTraining(folder)


def measure(trials: int) -> dict[str, float]:
    """Runs so many trials in this process."""
    spec = RunSpec(
        dataset="digits",
        data_hash="0" * 16,
        architectures=("conv",),
        space=SPACES["table-1.2"].describe(),
        search="grid",
        scheduler="asha",
        grace_period=1,
        max_epochs=EPOCHS,
        reduction_factor=4.0,
        samples=1,
        batch_size=16,
        seed=0,
        split_seed=0,
    )
    planned = [
        spec.sweep_trial("conv", Hyperparameters(lr=(k + 1) / trials, momentum=0.0, weight_decay=0.0, gain=1.0))
        for k in range(trials)
    ]
    images, labels = np.zeros((1, 1, 8, 8), np.float32), np.zeros(1, np.int64)
    empty = Split(images, labels, images, labels)
    with tempfile.TemporaryDirectory() as out, ray_session(Resources()) as slots:
        run = RunFolder(Path(out) / "run")
        with run.driven(spec):
            progress = Progress("sweep", {"conv": trials}, Limits(EPOCHS), [])
            job = Job(run, empty, InTurn(planned, EPOCHS), make_scheduler(spec, run.path, []), progress, Untrained)
            execute(job, Resources(), slots, Policy())
        stamps = [row["time"] for folder in run.list_recorded("sweep") for row in folder.rows]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": max(stamps) - min(stamps), "reports": len(stamps), "memory": memory}


def measure_alone(trials: int) -> dict[str, float]:
    """The same in a fresh process, so that the memory is this size's own."""
    code = f"import json; from {MODULE} import measure; print(json.dumps(measure({trials})))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def make_rows(found: Mapping[int, Sequence[Mapping[str, float]]]) -> list[dict[str, float]]:
    """The medians of each size, smallest size first."""
    made: list[dict[str, float]] = []
    for size, runs in found.items():
        seconds, reports, memory = (median(run[name] for run in runs) for name in ("seconds", "reports", "memory"))
        made.append({"trials": size, "trial": seconds / size, "report": seconds / reports, "memory": memory})
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Measures each size in turn and prints the report."""
    made = make_parser(MODULE, "what orchestration costs as a sweep grows", repeats=3)
    args = made.parse_args(argv)
    sizes = QUICK_SIZES if args.quick else SIZES
    grids = [size for size in GRIDS if (size == min(GRIDS)) == args.quick]
    found: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    starts: dict[int, list[float]] = {size: [] for size in grids}
    for _ in range(args.repeats):
        for size in sizes:
            found[size].append(measure_alone(size))
        for size in grids:
            starts[size].append(measure_start(size))
    first, *_, last = table = make_rows(found)
    growth = last["trial"] / first["trial"]
    report = Report("Orchestration", MODULE)
    report.text(
        f"Cost per trial at {last['trials']:,} trials against {first['trials']:,}: {format_times(growth)} "
        f"({describe_target(growth, TARGET, '<=')})."
    )
    report.table(
        f"Trials of {EPOCHS} epochs without arithmetic, on {os.cpu_count()} cores",
        [
            {
                "trials": f"{row['trials']:,}",
                "per trial, against the fewest": format_times(row["trial"] / first["trial"]),
                "ms per trial": f"{1000 * row['trial']:.1f}",
                "ms per report": f"{1000 * row['report']:.1f}",
                "driver's peak memory": f"{row['memory']:.0f} MiB",
                "memory per further trial": "-"
                if row is first
                else f"{1024 * (row['memory'] - first['memory']) / (row['trials'] - first['trials']):.1f} KiB",
            }
            for row in table
        ],
    )
    began = {size: median(seconds) for size, seconds in starts.items()}
    thousand = 1000 * (began[grids[-1]] - began[grids[0]]) / max(1, grids[-1] - grids[0])
    report.table(
        f"From the command to its first epoch: {thousand:.2f} s per further thousand trials "
        f"({describe_target(thousand, START_TARGET, '<=', ' s')})",
        [{"trials": f"{size:,}", "seconds": f"{seconds:.1f}"} for size, seconds in began.items()],
    )
    publish(report, args.out)


if __name__ == "__main__":
    main()
