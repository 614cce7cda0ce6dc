"""The thin layer between Ray Tune and a trial: ``step`` trains an epoch and commits it."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path
from typing import Any

import torch
from ray import tune

from search import checkpoint
from search.datasets.split import Split
from search.provenance import made_by
from search.train import JUDGED_ON, Epoch, Training, make_repeatable
from search.trial_folder import ENDED_BY_ITSELF, TrialFolder
from spaces import TrialSpec

TIME_ATTR = "epoch"
METRIC = "accuracy"
WORST = 0.0  # What a searcher hears of a diverged trial: a NaN is never stopped and poisons TPE.


def report(folder: TrialFolder, max_epochs: int, rows: int | None = None) -> dict[str, Any]:
    """What Tune hears after a row of a trial: the only maker of such reports.

    ASHA silently ignores a report without its ``time_attr``, so live and replayed reports have to
    come from one place.

    Args:
        folder: the trial.
        max_epochs: the trial's budget in epochs.
        rows: report as if only this many rows were recorded; all by default.
    """
    count = len(folder.rows) if rows is None else rows
    last = count == len(folder.rows)
    row = folder.rows[count - 1] if count else {}
    epoch = row.get("epoch", 0)
    ended = last and folder.status in ENDED_BY_ITSELF
    accuracy = row.get(f"{JUDGED_ON[folder.spec.phase]}_accuracy")
    return {
        TIME_ATTR: epoch,
        METRIC: WORST if accuracy is None else accuracy,
        "status": folder.status if last else "running",
        "seconds": row.get("seconds", 0.0),
        "done": ended or epoch >= max_epochs,
    }


class RecordedTrial(tune.Trainable):
    """Trains one trial; what is on disk is the truth and Tune only hears of it.

    The trial is opened in the first ``step``, not in ``setup``: with reused actors ``setup`` may
    run for one trial in two processes. That first step reports the last recorded row again
    without training, which tells a fresh Tune where an interrupted trial stands.
    """

    def setup(
        self,
        config: dict[str, Any],
        split: Split | None = None,
        run: str = "",
        device: str = "cpu",
        threads: int = 1,
        engine: str = "auto",
    ) -> None:
        """Keeps what Tune hands over; called once an actor.

        Args:
            config: ``trial`` (a ``TrialSpec`` as plain data) and ``max_epochs``.
            split: the images, from Ray's object store.
            run: absolute path of the run folder; a worker's current directory is elsewhere.
            device: ``cpu``, or ``cuda`` for a trial that was given a GPU.
            threads: CPU threads to use.
            engine: what does the arithmetic.
        """
        assert split is not None
        self._split, self._run = split, Path(run)
        self._device, self._engine = device, engine
        make_repeatable(device, threads)
        self._begin(config)

    def _begin(self, config: dict[str, Any]) -> None:
        self._spec = TrialSpec.from_dict(config["trial"])
        self._max_epochs: int = config["max_epochs"]
        self._folder: TrialFolder | None = None
        self._training: Training | None = None

    def step(self) -> dict[str, Any]:
        """One epoch, or the last recorded row again if this process has just opened the trial."""
        if self._folder is None:
            self._folder = TrialFolder(self._run, self._spec)
            self._folder.open()
            if self._folder.rows or self._folder.status in ENDED_BY_ITSELF:
                return report(self._folder, self._max_epochs)
        try:
            if self._training is None:
                self._training = self._open_training(self._folder)
            epoch = self._training.run_epoch()
        except Exception:
            # A bug or a lack of memory is this trial's result; the sweep goes on.
            self._folder.fail(traceback.format_exc(), self._made_by())
        else:
            self._commit(self._folder, self._training, epoch)
        return report(self._folder, self._max_epochs)

    def _open_training(self, folder: TrialFolder) -> Training:
        return resumed(folder, self._split, self._device, self._engine)

    def _commit(self, folder: TrialFolder, training: Training, epoch: Epoch) -> None:
        """Outside the try above: a full disk is the machine's fault, so Tune tries again and no trial is blamed."""
        folder.commit(
            epoch.row(self._spec.phase),
            "diverged" if epoch.diverged else "running",
            self._made_by(),
            lambda path: checkpoint.save(path, training.state()),
        )

    def _made_by(self) -> dict[str, str]:
        return made_by(self._device) | (self._training.engine.identity() if self._training else {})

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Lets Tune reuse this process for the next trial."""
        self.cleanup()
        self._begin(new_config)
        return True

    def cleanup(self) -> None:
        """Lets go of the trial."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None


def resumed(folder: TrialFolder, split: Split, device: str, engine: str) -> Training:
    """The training of a trial where its record left it: from its checkpoint, or from the start.

    A checkpoint that is missing or damaged costs the trial its epochs, not the sweep.
    """
    training = Training(folder.spec, split, device, engine)
    if folder.rows:
        try:
            training.load_state(checkpoint.load(folder.checkpoint, device))
        except torch.OutOfMemoryError:
            raise  # A RuntimeError too, but the checkpoint is sound.
        except (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
            folder.restart(f"their checkpoint could not be read ({type(error).__name__})")
            training = Training(folder.spec, split, device, engine)
    return training
