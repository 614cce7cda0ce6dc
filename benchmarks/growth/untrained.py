"""Sweeps of trials that compute nothing, and go through everything that real ones do.

That is Tune, ASHA, workers, a record and a checkpoint each epoch, and outcomes.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from search.cluster.session import Resources, set_environment

# Of a cluster; without it Ray starts on this machine. Ray reads its settings when it is imported.
ADDRESS = os.environ.get("RAY_ADDRESS")
set_environment(Resources(address=ADDRESS))

import numpy as np  # noqa: E402
import torch  # noqa: E402

from analysis.progress.left import Limits  # noqa: E402
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

EPOCHS = 2


class NoTraining:
    """Has the weights of a small network, and an accuracy that is a function of the configuration."""

    engine = SimpleNamespace(describe=dict)

    def __init__(self, folder: TrialFolder) -> None:
        self._spec, self._epoch, self._weights = folder.spec, folder.epoch, torch.zeros(5000)

    def run_epoch(self) -> Epoch:
        """An epoch that takes no time."""
        self._epoch += 1
        return Epoch(self._epoch, 1.0, 1.0, self._spec.theta.lr % 0.1 * 10, 0.0, False)

    def capture_state(self) -> dict[str, Any]:
        """A checkpoint of 20 kB, as the conv network's; never twice the same."""
        self._weights[0] = self._epoch
        return {"weights": self._weights}


class Untrained(RecordedTrial):
    """A trial without arithmetic, which commits each epoch by itself."""

    def _open_training(self, folder: TrialFolder) -> Any:
        self._singly = True
        return NoTraining(folder)


def make_spec(epochs: int) -> RunSpec:
    """A run under ASHA, which judges after epochs 1, 4, 16 and so on."""
    return RunSpec(
        dataset="digits",
        data_hash="0" * 16,
        architectures=("conv",),
        space=SPACES["table-1.2"].describe(),
        search="grid",
        scheduler="asha",
        grace_period=1,
        max_epochs=epochs,
        reduction_factor=4.0,
        samples=1,
        batch_size=16,
        seed=0,
        split_seed=0,
    )


def sweep_untrained(out: Path, trials: int, epochs: int = EPOCHS) -> tuple[RunFolder, float]:
    """Runs so many trials.

    Args:
        out: the run folder, or a mirror of a bucket's.
        trials: how many.
        epochs: of each, unless ASHA stops it.

    Returns:
        The run, and the CPU seconds that this process took for it once Ray had started.
    """
    spec, resources = make_spec(epochs), Resources(address=ADDRESS)
    planned = [
        spec.sweep_trial("conv", Hyperparameters(lr=(k + 1) / trials, momentum=0.0, weight_decay=0.0, gain=1.0))
        for k in range(trials)
    ]
    images, labels = np.zeros((1, 1, 8, 8), np.float32), np.zeros(1, np.int64)
    empty, run = Split(images, labels, images, labels), RunFolder(out)
    with ray_session(resources) as slots, run.driven(spec):
        began, progress = time.process_time(), Progress("sweep", {"conv": trials}, Limits(epochs), [])
        scheduler = make_scheduler(spec, run.path, [], run.guard)
        job = Job(run, empty, InTurn(planned, epochs), scheduler, progress, Untrained)
        execute(job, resources, slots, Policy())
        return run, time.process_time() - began


def measure(trials: int) -> dict[str, float]:
    """Runs so many trials in this process.

    Returns:
        Seconds from the first report to the last, of them this process's own CPU seconds and the number of reports; and
        its peak memory in MiB.
    """
    with tempfile.TemporaryDirectory() as out:
        run, cpu = sweep_untrained(Path(out) / "run", trials)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        stamps = [row["time"] for folder in run.list_recorded("sweep") for row in folder.rows]
    return {"seconds": max(stamps) - min(stamps), "cpu": cpu, "reports": len(stamps), "memory": memory}
