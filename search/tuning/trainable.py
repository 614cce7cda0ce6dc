"""The thin layer between Ray Tune and a trial: epochs are trained, committed, and only then reported."""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune

from models.own import Parcel, unpack
from search.cluster.resources import Resources
from search.cluster.stored import Stored
from search.datasets.split import Split
from search.errors import TROUBLE, explain_error
from search.storage import checkpoint
from search.storage.json_files import set_aside
from search.storage.provenance import describe_maker, list_code_folders
from search.storage.trial_folder import TrialFolder
from search.storage.writer import Writer
from search.training.engines import EngineChoice
from search.training.engines.capture import ruins_process
from search.training.loop import Training, make_repeatable
from spaces import TrialSpec, UserError
from spaces.specs.predictions import Predictions
from spaces.specs.protocol import ENDED_BY_ITSELF, JUDGED_ON

TIME_ATTR = "epoch"
METRIC = "accuracy"
MOST_REPORTS = 1000  # At once.
WORST = 0.0  # What a searcher hears of a diverged trial: a NaN is never stopped and poisons TPE.


def report(folder: TrialFolder, max_epochs: int, rows: int | None = None, again: bool = False) -> dict[str, Any]:
    """What Tune hears after a row of a trial.

    ASHA silently ignores a report without its ``time_attr``, so live and replayed reports all come from here.

    Args:
        folder: the trial.
        max_epochs: its budget.
        rows: report as if only this many rows were recorded; all by default.
        again: whether the row was reported before, so that its time is not counted twice.
    """
    count = len(folder.rows) if rows is None else rows
    last = count == len(folder.rows)
    row = folder.rows[count - 1] if count else {}
    epoch = row.get("epoch", 0)
    accuracy = row.get(f"{JUDGED_ON[folder.spec.phase]}_accuracy")
    return {
        TIME_ATTR: epoch,
        METRIC: WORST if accuracy is None else accuracy,
        "status": folder.status if last else "running",
        "seconds": 0.0 if again else row.get("seconds", 0.0),
        "again": again,
        "done": (last and folder.status in ENDED_BY_ITSELF) or epoch >= max_epochs,
    }


def _save(state: Callable[[], dict[str, Any]], path: Path, record: dict[str, Any]) -> None:
    checkpoint.save(path, state(), record)


def name_error(error: Exception) -> str:
    """Its type and the first line of what it says."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


class Unsaved:
    """What Tune need not save: it would pickle it into its scratch folder, which nobody reads."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class RecordedTrial(tune.Trainable):
    """Trains one trial; what is on disk is the truth and Tune only hears of it.

    The trial is opened in the first ``step``, not in ``setup``, which with reused actors may run for one trial in two
    processes. That first step reports the last recorded row again without training, which tells a fresh Tune where an
    interrupted trial stands.

    What is wrong with the disk or the run is reported under ``stop``: the driver then ends the sweep with that reason,
    and no trial is blamed.
    """

    _folder: TrialFolder | None = None

    def setup(
        self,
        config: dict[str, Any],
        split: Split | Stored | None = None,
        run: str = "",
        resources: Resources | None = None,
        guard: Writer | None = None,
        own: Mapping[str, Parcel] | None = None,
        engines: Mapping[str, str] | None = None,
        expected: dict[str, str] | None = None,
        rungs: Collection[int] = (),
    ) -> None:
        """Keeps what Tune hands over; called once per actor.

        Args:
            config: what ``make_tune_config`` made.
            split: the images.
            run: absolute path of the run folder; a worker's current directory is elsewhere.
            resources: what the trial was given.
            guard: lets this process write only while the run is its driver's.
            own: the user's own architectures, whose files this node need not see.
            engines: the engines that were announced, by architecture; one that is not named gets what this node has.
            expected: versions of the driver, which this node must have too.
            rungs: epochs after which a trial may be stopped.
        """
        assert split is not None
        assert resources is not None
        self._split = split.fetch() if isinstance(split, Stored) else split
        self._run, self._resources, self._guard = guard.run if guard else Path(run), resources, guard
        here = describe_maker(resources.device)
        others = [
            f"{name} {here.get(name)} instead of {version}"
            + (f" (from {', '.join(map(str, list_code_folders().values()))})" if name == "code" else "")
            for name, version in (expected or {}).items()
            if here.get(name) != version
        ]
        what = "install there what constraints.txt says and let nothing hide the driver's code"
        told = f"node {here['host']} has {', '.join(others)}; {what}, or resume with --accept-changes"
        self._mismatch = told if others else None
        make_repeatable(resources.device, resources.threads)
        self._host, self._own, self._engines, self._rungs = here["host"], own or {}, engines or {}, rungs
        self.reset_config(config)

    def train_buffered(self, buffer_time_s: float, max_buffer_length: float = MOST_REPORTS) -> list[dict[str, Any]]:
        """Reports of one epoch after the other for so many seconds, or until something depends on the last one.

        They are committed together: at most this much is trained again when this process dies. Tune 2.60 hands the
        number over first and the seconds second, against its own signature; the larger of the two is the number.
        """
        self._until = time.monotonic() + min(buffer_time_s, max_buffer_length)
        reports = [self.train()]
        while self._told:
            reports.append(self.train())
        return reports

    def step(self) -> dict[str, Any]:
        """The report of an epoch that is on record, or the last recorded row again if this process has just begun.

        Where none is waiting to be reported, epochs are trained, one after the other as long as they may.
        """
        while not self._told:
            self._told.extend(self._train_on())
        told = self._told.popleft()
        if told["done"]:
            self.cleanup()  # Another process may be the one that takes the trial beyond its rung.
        return told

    def _train_on(self) -> list[dict[str, Any]]:
        if reason := self._halted or self._mismatch:  # Tune may ask once more before it acts.
            return [self._stop(reason)]
        try:
            return self._train()
        except TROUBLE as error:
            return [self._stop(explain_error(error))]

    def _stop(self, reason: str) -> dict[str, Any]:
        self._halted = reason
        folder = self._folder or TrialFolder(self._run, self._spec)
        return report(folder, self._max_epochs, again=True) | {"stop": reason, "done": False}

    def _train(self) -> list[dict[str, Any]]:
        """Trains and commits; returns the reports of the rows that are new.

        An error leaves half-trained weights. What was not committed is therefore trained again, one epoch a commit, so
        that the record and its checkpoint come as far as the error. No report says that this is still to be done.
        """
        if self._folder is None:
            folder = TrialFolder(self._run, self._spec, self._guard)
            try:
                folder.open()
            except BaseException:
                folder.close()
                raise
            self._folder = folder
            if folder.rows or folder.status in ENDED_BY_ITSELF:
                return [report(folder, self._max_epochs, again=True)]
        folder, before = self._folder, self._folder.epoch
        rows: list[dict[str, Any]] = []
        try:
            if self._training is None:
                self._training = self._open_training(folder)
            while True:
                epoch = self._training.run_epoch()
                rows.append(epoch.make_row(self._spec.phase))
                ends = epoch.epoch == self._max_epochs
                if ends or epoch.diverged or epoch.epoch <= before or epoch.epoch in self._rungs:
                    break
                if self._singly or time.monotonic() >= self._until:
                    break
            kept = self._training.predict() if ends and not epoch.diverged and self._spec.phase == "rerun" else None
        except Exception as error:
            if ruins_process(error):
                raise  # Another worker takes over; this trial is not to blame.
            trace = traceback.format_exc()
            self._note_loss(folder)
            if rows and not self._singly:
                self._singly, self._training = True, None
                again = f"epochs {rows[0]['epoch']} to {rows[-1]['epoch']} were trained again, one by one"
                folder.note(f"{again}: {name_error(error)}")
                return []
            # A bug or a lack of memory is this trial's result; the sweep continues.
            folder.fail(trace)
            return [report(folder, self._max_epochs)]
        # Outside the try above: a full disk is the machine's fault.
        self._note_loss(folder)
        training = self._training
        if epoch.epoch <= before:
            self._record_again(folder, rows[-1], training.capture_state)
            return [report(folder, self._max_epochs, again=True)]
        self._record(folder, rows, training.capture_state, training.engine.describe(), epoch.diverged, kept)
        return self._report_since(folder, before)

    def _report_since(self, folder: TrialFolder, before: int) -> list[dict[str, Any]]:
        return [report(folder, self._max_epochs, rows=count) for count in range(before + 1, folder.epoch + 1)]

    def _record(
        self,
        folder: TrialFolder,
        rows: list[dict[str, Any]],
        state: Callable[[], dict[str, Any]],
        identity: Mapping[str, str],
        diverged: bool = False,
        kept: Predictions | None = None,
    ) -> None:
        node = {"node": ray.get_runtime_context().get_node_id()[:8]} if ray.is_initialized() else {}
        maker = describe_maker(self._resources.device) | node | dict(identity)
        status = "diverged" if diverged else "running"
        folder.commit(rows[-1], status, maker, partial(_save, state), kept, rows[:-1])

    def _record_again(self, folder: TrialFolder, row: dict[str, Any], state: Callable[[], dict[str, Any]]) -> None:
        """Keeps the checkpoint of an epoch whose row stays, and notes where the row is another one."""
        before, loss = folder.rows[row["epoch"] - 1], f"{JUDGED_ON[self._spec.phase]}_loss"
        if (before.get("train_loss"), before.get(loss)) != (row["train_loss"], row[loss]):
            there = f"{loss} {row[loss]!r}; the row says {before.get(loss)!r}"
            folder.note(f"epoch {row['epoch']} came out differently: {there}")
        folder.save_again(row["epoch"], partial(_save, state))

    def _open_training(self, folder: TrialFolder) -> Training:
        """The training where the trial's record left it: from its checkpoint, or from the start.

        Where that is missing or damaged its epochs are trained again; their rows stay, because a trial is a function of
        its seed.
        """
        device, engine = self._resources.device, self._resources.engine
        training = Training(folder.spec, self._split, device, engine)
        whole = not folder.rows or self._continue(folder, training.load_state, device)
        return training if whole else Training(folder.spec, self._split, device, engine)

    def _continue(self, folder: TrialFolder, load: Callable[[dict[str, Any]], object], device: str = "cpu") -> bool:
        """Loads a trial's checkpoint; False where that is missing or damaged, which ``_note_loss`` then says."""
        try:
            state = checkpoint.load(folder.checkpoint, device)[0]
            load(state)
            if folder.checkpoint == folder.find_checkpoint(state["epoch"]):
                return True
            reason = f"it is of epoch {state['epoch']}"
        except torch.OutOfMemoryError:
            raise  # A RuntimeError too, but the checkpoint is sound.
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = name_error(error)
        self._loss = reason
        return False

    def _note_loss(self, folder: TrialFolder) -> None:
        """Sets a checkpoint aside that could not be loaded, and says so in the record."""
        if self._loss is None:
            return
        aside = f"set aside as {set_aside(folder.checkpoint).name}" if folder.checkpoint.exists() else "missing"
        folder.note(f"epochs 1 to {folder.epoch} were trained again: their checkpoint was {aside} ({self._loss})")
        self._loss = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Lets Tune reuse this process for the next trial."""
        self.cleanup()
        self._spec = TrialSpec.from_dict(new_config["trial"])
        self._max_epochs: int = new_config["max_epochs"]
        self._training: Training | None = None
        self._told: deque[dict[str, Any]] = deque()  # Reports of rows that are on record, for the next steps.
        self._until = 0.0  # Until when one epoch is followed by the next before they are committed.
        self._singly = False  # Each is committed by itself.
        self._halted: str | None = None
        self._loss: str | None = None  # Why the checkpoint could not be loaded, until that is noted.
        name = self._spec.architecture
        try:  # The others' files are not imported here, so that they can do nothing to this trial.
            unpack({name: self._own[name]} if name in self._own else {})
            self._check_engine(name)
        except UserError as error:
            self._halted = f"node {self._host}: {error}"
        return True

    def _check_engine(self, name: str) -> None:
        """Passes where this process trains an architecture with the engine that was announced.

        Raises:
            UserError: it cannot.
        """
        if name in self._engines:
            choice = EngineChoice(self._resources.engine, self._resources.device, self._spec.augments)
            announced, here = self._engines[name], choice.name_for(name)
            if here != announced:
                why = f" ({reason})" if (reason := choice.explain_not_native([name])) else ""
                raise UserError(
                    f"engine {announced} was announced for {name}, and here it would be {here}{why}; install the same "
                    "here, or give --engine torch"
                )

    def cleanup(self) -> None:
        """Lets go of the trial."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None
