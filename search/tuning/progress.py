"""What a person watches while trials run: a live table on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ray.tune import Callback, ProgressReporter
from rich.live import Live
from rich.table import Table

from search.storage.trial_folder import TrialFolder
from search.streams import make_console
from search.tuning.events import Event
from search.tuning.trainable import METRIC, TIME_ATTR, Unsaved, report
from spaces.common.wording import format_clock, format_count, format_tally

LIVE_SECONDS = 0.5  # The table of a notebook is drawn this often.
PLAIN_SECONDS = 60.0  # A line this often where output is not a terminal.
IDLE_SECONDS = 20.0
COLUMNS = ("planned", "completed", "stopped", "diverged", "failed", "running")


@dataclass
class Tally:
    """One architecture's counts."""

    total: int  # Trials planned.
    ended: Counter[str] = field(default_factory=Counter)  # Trials by outcome.
    running: set[str] = field(default_factory=set)  # Tune's ids of the trials that run now.
    finished: list[float] = field(default_factory=list)  # Final accuracies of the trials that were trained to the end.
    stopped: float | None = None  # The highest accuracy of a trial that was stopped early.
    waiting: set[str] = field(default_factory=set)  # Ids of the trials that wait at a rung to be judged.
    epochs: int = 0  # Of ended trials.
    before: int = 0  # Epochs recorded before the start.
    new_epochs: int = 0  # Trained since the start.
    seconds: float = 0.0  # Their training time.

    @property
    def done(self) -> int:
        """Trials that have ended, however."""
        return self.ended.total()

    def end(self, status: str, epoch: int, accuracy: float | None) -> None:
        """Counts a trial that ended."""
        self.ended[status] += 1
        self.epochs += epoch
        if accuracy is not None and status == "completed":
            self.finished.append(accuracy)
        elif accuracy is not None and status == "stopped":
            self.stopped = max(accuracy, self.stopped or 0.0)


class Silent(ProgressReporter):
    """Stands in for Tune's own, of which that for notebooks clears the cell even where Tune is told to be quiet."""

    def should_report(self, trials: list[Any], done: bool = False) -> bool:
        """Never."""
        return False

    def report(self, trials: list[Any], done: bool, *sys_info: str) -> None:
        """Nothing."""


class Progress(Unsaved, Callback):
    """Counts Tune's events and shows them.

    Args:
        title: the phase: ``sweep`` shows the incumbent, ``rerun`` the mean over the seeds.
        totals: trials planned, by architecture.
        expected_epochs: epochs a trial is expected to take, until enough have ended to tell.
        folders: trials recorded before this invocation.
        why_idle: says why no trial runs, where that lasts.
        on_event: is told of each event; nothing is shown then.
        ladder: where trials wait at rungs, their epochs and, last, that at which a trial ends.

    Attributes:
        refusal: what ``on_event`` raised, None while it has raised nothing; it ends the phase and is told no more.
    """

    def __init__(
        self,
        title: str,
        totals: Mapping[str, int],
        expected_epochs: float,
        folders: Sequence[TrialFolder],
        why_idle: Callable[[], str] = lambda: "",
        on_event: Callable[[Event], object] | None = None,
        ladder: Sequence[int] = (),
    ):
        self._ladder = ladder
        self._title, self._expected, self._why_idle = title, expected_epochs, why_idle
        self._on_event = on_event
        self.refusal: Exception | None = None
        self._before: dict[str, dict[str, Any]] = {}  # Where trials that have not ended stood, by trial id.
        self._idle: float | None = None  # When it is next said that no trial runs.
        self._summary = "incumbent" if title == "sweep" else "mean"
        self._tallies = {name: Tally(total) for name, total in totals.items()}
        self._console = make_console(standard_error=True)
        self._live: Live | None = None
        self._cell: Any = None  # The table's place in a notebook.
        self._drawn = 0.0  # When.
        self._started = time.monotonic()
        self._training_since: float | None = None  # Ray's own start is not training.
        self._spoke = (time.monotonic(), 0)
        self._told: dict[str, str] = {}  # What a line last said of each architecture.
        for folder in folders:
            outcome, tally = folder.outcome(), self._tallies.get(folder.spec.architecture)
            if tally is not None:
                tally.before += folder.epoch
            if outcome is not None and tally is not None:
                tally.end(outcome, folder.epoch, report(folder, folder.epoch)[METRIC])
            elif folder.rows:
                self._before[folder.spec.trial_id] = report(folder, folder.epoch)
                if tally is not None and folder.epoch in ladder[:-1]:
                    tally.waiting.add(folder.spec.trial_id)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the progress for the time of a ``with`` block."""
        self._started = time.monotonic()
        if self._on_event is None and self._console.is_jupyter:
            # Not rich's Live, which needs ipywidgets there, and of which only a program's first is refreshed.
            self._cell = import_module("IPython.display").display(self._table(), display_id=True)
            try:
                yield
            finally:
                self._cell.update(self._table())
                self._cell = None
            return
        if self._on_event is not None or not self._console.is_interactive:
            self._say()
            yield
            if self._spoke[1] != self._done()[0]:
                self._say()
            return
        with Live(console=self._console, get_renderable=self._table, refresh_per_second=2) as self._live:
            yield

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tune looks around, many times a second; where no trial runs for long, that is said."""
        now = time.monotonic()
        if self._cell and now - self._drawn >= LIVE_SECONDS:
            self._drawn = now
            self._cell.update(self._table())
        if any(tally.running for tally in self._tallies.values()):
            self._idle = None
        elif self._idle is None:
            self._idle = now + IDLE_SECONDS
        elif now >= self._idle:
            self._idle = now + PLAIN_SECONDS
            self._print(f"{self._title} {self._format_timing()} | no trial runs: {self._why_idle()}")

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial runs."""
        self._training_since = self._training_since or time.monotonic()
        tally = self._tally(trial)
        tally.running.add(trial.trial_id)
        tally.waiting.discard(trial.config["trial"]["trial_id"])
        self._tell("started", trial)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial reported an epoch, or where it stood before."""
        tally = self._tally(trial)
        tally.new_epochs += not result["again"]
        tally.seconds += result["seconds"]
        if not result["again"]:
            self._tell("epoch", trial, **result)
        if not (self._live or self._cell) and time.monotonic() - self._spoke[0] > PLAIN_SECONDS:
            self._say()

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker died; it starts again as soon as there is room."""
        self._tally(trial).running.discard(trial.trial_id)

    def ended(self, trial: Any, status: str) -> None:
        """A trial got its outcome."""
        tally = self._tally(trial)
        tally.running.discard(trial.trial_id)
        tally.end(status, trial.last_result.get(TIME_ATTR, 0), trial.last_result.get(METRIC))
        self._tell("ended", trial, status=status)
        self._say_each_tenth()

    def waits(self, trial: Any) -> None:
        """A trial has reached its rung, and runs no longer."""
        tally = self._tally(trial)
        tally.running.discard(trial.trial_id)
        tally.waiting.add(trial.config["trial"]["trial_id"])

    def stopped(self, folder: TrialFolder) -> None:
        """A trial that waited at its rung got its outcome."""
        name, trial_id, last = folder.spec.architecture, folder.spec.trial_id, report(folder, folder.epoch)
        tally = self._tallies[name]
        tally.waiting.discard(trial_id)
        tally.end("stopped", folder.epoch, last[METRIC])
        self._send("ended", name, trial_id, last | {"status": "stopped"})
        self._say_each_tenth()

    def _say_each_tenth(self) -> None:
        done, total = self._done()
        if not (self._live or self._cell) and done * 10 // total > self._spoke[1] * 10 // total:
            self._say()

    def _tell(self, kind: str, trial: Any, **more: Any) -> None:
        name, trial_id = (trial.config["trial"][field] for field in ("architecture", "trial_id"))
        # A trial that was begun before stands where its record says until its worker has told Tune.
        last = {"status": "running", **self._before.get(trial_id, {}), **trial.last_result, **more}
        self._send(kind, name, trial_id, last)

    def _send(self, kind: str, name: str, trial_id: str, last: Mapping[str, Any]) -> None:
        """Tells who listens; Tune would take what that raises for a failure of the trial."""
        if self._on_event is None or self.refusal is not None:
            return
        epoch = last.get(TIME_ATTR, 0)
        accuracy = last.get(METRIC) if epoch else None
        status = last["status"] if kind != "started" else "running"
        try:
            self._on_event(Event(kind, self._title, name, trial_id, epoch, accuracy, status, *self._done()))
        except Exception as error:
            self.refusal = error

    def _tally(self, trial: Any) -> Tally:
        return self._tallies[trial.config["trial"]["architecture"]]

    def _done(self) -> tuple[int, int]:
        tallies = self._tallies.values()
        return sum(tally.done for tally in tallies), sum(tally.total for tally in tallies)

    def so_far(self, what: str) -> str:
        """A sentence that also says how much was trained since the start."""
        epochs = sum(tally.new_epochs for tally in self._tallies.values())
        return f"{what}, {format_count(epochs, 'epoch')} {'was' if epochs == 1 else 'were'} trained"

    def estimate_seconds_left(self) -> float | None:
        """Estimated seconds to go; None before the first epoch."""
        seconds = sum(tally.seconds for tally in self._tallies.values())
        epochs = sum(tally.new_epochs for tally in self._tallies.values())
        if not seconds or self._training_since is None:
            return None
        left = 0.0
        for tally in self._tallies.values():
            per_epoch = tally.seconds / tally.new_epochs if tally.new_epochs else seconds / epochs
            trials = tally.total - tally.done
            per_trial = tally.epochs / tally.done if tally.done >= 8 else self._expected
            if self._ladder:  # How many go on is known, and the first to end are those that do not.
                planned = tally.total * self._expected - tally.before - tally.new_epochs
                per_trial = min(max(planned / max(1, trials), 1.0), float(self._ladder[-1]))
            left += trials * per_trial * per_epoch
        return left * (time.monotonic() - self._training_since) / seconds  # As much training in a second as so far.

    def _table(self) -> Table:
        table = Table(title=f"{self._title}  {self._format_timing()}", title_justify="left")
        table.add_column("architecture")
        waiting = ["waiting"] * bool(self._ladder)
        for column in (*COLUMNS, *waiting, self._summary):
            table.add_column(column, justify="right")
        for name, tally in self._tallies.items():
            ends = (tally.ended[status] for status in COLUMNS[1:-1])
            counts = (tally.total, *ends, len(tally.running), *[len(tally.waiting)] * len(waiting))
            table.add_row(name, *map(str, counts), self._format_accuracy(tally))
        return table

    def _say(self) -> None:
        done, total = self._done()
        self._spoke = (time.monotonic(), done)
        parts = [f"{done}/{total} ended"]
        for name, tally in self._tallies.items():
            ends = {status: tally.ended[status] for status in COLUMNS[2:-1]}
            waiting = f"{len(tally.waiting)} waiting, " if self._ladder else ""
            now = f"{len(tally.running)} running, {waiting}{self._summary} {self._format_accuracy(tally)}"
            told = f"{name} {format_tally(tally.done, tally.total, ends)}, {now}"
            # Table 1.6 has 43 networks, and people read the line: it names only what runs or has changed.
            if tally.running or (tally.done and told != self._told.get(name)):
                self._told[name] = told
                parts.append(told)
        self._print(f"{self._title} {self._format_timing()} | " + " | ".join(parts))

    def _print(self, line: str) -> None:
        if self._on_event is None:
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _format_accuracy(self, tally: Tally) -> str:
        if tally.finished:
            shown = max(tally.finished) if self._summary == "incumbent" else statistics.fmean(tally.finished)
            return f"{100 * shown:.2f} %"
        return "-" if tally.stopped is None else f"- (stopped: {100 * tally.stopped:.2f} %)"

    def _format_timing(self) -> str:
        left = self.estimate_seconds_left()
        done, total = self._done()
        text = f"{format_clock(time.monotonic() - self._started)} elapsed"
        return text if left is None or done == total else f"{text}, about {format_clock(left)} left"
