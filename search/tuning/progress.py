"""What a person watches while trials run: a live table on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ray.tune import Callback, ProgressReporter
from rich.live import Live

from analysis.progress.left import Limits, estimate_lengths, estimate_seconds_left
from analysis.progress.screen import Row, Screen, describe_theta, format_timing
from search.signals import describe_stopping
from search.storage.trial_folder import TrialFolder
from search.streams import make_console
from search.tuning.events import Event
from search.tuning.packs.lanes import Lane, list_lanes
from search.tuning.tally import Running, Tally
from search.tuning.trainable import METRIC, TIME_ATTR, Unsaved, report
from spaces import TrialSpec
from spaces.common.wording import format_count

LIVE_SECONDS = 0.5  # The table of a notebook is drawn this often.
PLAIN_SECONDS = 60.0  # A line this often where output is not a terminal.
IDLE_SECONDS = 20.0
SETTLE_SECONDS = 1.0  # After the end of a trial; the next one runs by then, and a line counts it.


class Silent(ProgressReporter):
    """Replaces Tune's own; the one for notebooks clears the cell even if Tune is told to be quiet."""

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
        limits: how long they may get.
        folders: trials recorded before this invocation.
        why_idle: says why no trial runs, where that lasts.
        on_event: is told of each event; nothing is shown then.
        ladder: where trials wait at rungs, their epochs and, last, that at which a trial ends.
        weights: what an epoch costs, by architecture, for as long as none was measured.

    Attributes:
        refusal: what ``on_event`` raised, None while it has raised nothing; it ends the phase and is told no more.
    """

    def __init__(
        self,
        title: str,
        totals: Mapping[str, int],
        limits: Limits,
        folders: Sequence[TrialFolder],
        why_idle: Callable[[], str] = lambda: "",
        on_event: Callable[[Event], object] | None = None,
        ladder: Sequence[int] = (),
        weights: Mapping[str, float] | None = None,
    ):
        self._title, self._limits, self._why_idle, self._ladder = title, limits, why_idle, ladder
        self._on_event = on_event
        self.refusal: Exception | None = None
        self._before: dict[str, dict[str, Any]] = {}  # Where trials that have not ended stood, by trial id.
        self._over: set[tuple[str, str]] = set()  # Lanes that have ended, or wait at their rung.
        self._idle: float | None = None  # When it is next said that no trial runs.
        self._summary = "incumbent" if title == "sweep" else "mean"
        known = weights or {}
        weights = {name: known.get(name, 1.0) for name in totals} if known.keys() >= totals.keys() else {}
        self._tallies = {name: Tally(total, weights.get(name, 1.0)) for name, total in totals.items()}
        self._console = make_console(standard_error=True)
        self._live: Live | None = None
        self._cell: Any = None  # The table's place in a notebook.
        self._drawn = 0.0  # When.
        self._started = time.monotonic()
        self._training_since: float | None = None  # The start of Ray and its workers is not training.
        self._spoke = (time.monotonic(), 0)
        self._due = math.inf  # When a line is to be said, so that it counts what runs by then.
        self._told: dict[str, str] = {}  # What a line last said of each architecture.
        self._last: Screen | None = None  # The one that stays while the run is being stopped.
        for folder in folders:
            self._count_before(folder)

    def _count_before(self, folder: TrialFolder) -> None:
        outcome, tally, trial_id = (
            folder.read_outcome(),
            self._tallies.get(folder.spec.architecture),
            folder.spec.trial_id,
        )
        if tally is not None:
            epochs, seconds = tally.before
            tally.before = epochs + folder.epoch, seconds + sum(row.get("seconds", 0.0) for row in folder.rows)
        if outcome is not None and tally is not None:
            tally.end(trial_id, outcome, folder.epoch, report(folder, folder.epoch)[METRIC])
        elif folder.rows:
            self._before[trial_id] = report(folder, folder.epoch)
            if tally is not None:
                tally.open[trial_id] = folder.epoch
                if folder.epoch in self._ladder[:-1]:
                    tally.waiting.add(trial_id)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the progress for the time of a ``with`` block."""
        self._started = time.monotonic()
        if self._on_event is None and self._console.is_jupyter:
            # Not rich's Live, which needs ipywidgets there and refreshes only the first one of a program.
            self._cell = import_module("IPython.display").display(self._draw(), display_id=True)
            try:
                yield
            finally:
                self._cell.update(self._draw())
                self._cell = None
            return
        if self._on_event is not None or not self._console.is_interactive:
            self._say()
            yield
            if self._spoke[1] != self._count_done()[0] or self._due < math.inf:
                self._say()
            return
        with Live(console=self._console, get_renderable=self._draw, refresh_per_second=2) as self._live:
            yield

    def stop(self, number: int) -> None:
        """Says that a signal has been heard; from here on the table stands still.

        This is called where a signal is handled, which may be in the middle of a print.
        """
        self._last = self._make_screen(describe_stopping(number))
        if not (self._live or self._cell):
            threading.Thread(target=self._print, args=[describe_stopping(number)], daemon=True).start()

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tune looks around, many times a second; if no trial runs for long, a line says so."""
        now = time.monotonic()
        if self._cell and now - self._drawn >= LIVE_SECONDS:
            self._drawn = now
            self._cell.update(self._draw())
        if now >= self._due:
            self._say()
        if any(tally.running for tally in self._tallies.values()):
            self._idle = None
        elif self._idle is None:
            self._idle = now + IDLE_SECONDS
        elif now >= self._idle:
            self._idle = now + PLAIN_SECONDS
            self._print(f"{self._title} {self._format_timing()} | no trial is running: {self._why_idle()}")

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial runs, or the lanes of a pack."""
        for lane in self._list_going(trial):
            self._start(lane)

    def _list_going(self, trial: Any, result: Mapping[str, Any] | None = None) -> list[Any]:
        """A trial, or the lanes of a pack that have not ended; a worker that follows another tells of those too."""
        return [lane for lane in list_lanes(trial, result) if not isinstance(lane, Lane) or lane.key not in self._over]

    def _start(self, trial: Any) -> None:
        tally, plain = self._find_tally(trial), trial.config["trial"]
        trial_id = plain["trial_id"]
        before = self._before.get(trial_id, {})
        tally.running[trial.trial_id] = Running(
            trial_id,
            lambda: describe_theta(TrialSpec.from_dict(plain).theta.as_dict()),
            trial.config.get("max_epochs", int(self._limits.budget)),
            time.monotonic(),
            before.get(TIME_ATTR, 0),
            before.get(METRIC),
            trial.lanes if isinstance(trial, Lane) else 1,
        )
        tally.open.setdefault(trial_id, before.get(TIME_ATTR, 0))
        tally.waiting.discard(trial_id)
        self._tell("started", trial)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial reported an epoch, or where it stood before; or some lanes of a pack did."""
        for lane in self._list_going(trial, result):
            self._hear(lane, lane.last_result if isinstance(lane, Lane) else result)
        if not (self._live or self._cell) and time.monotonic() - self._spoke[0] > PLAIN_SECONDS:
            self._say()

    def _hear(self, trial: Any, result: Mapping[str, Any]) -> None:
        tally, now = self._find_tally(trial), time.monotonic()
        if not result["again"]:
            self._training_since = self._training_since or now - result["seconds"]
        tally.hear(tally.running.get(trial.trial_id), result, now)
        if not result["again"]:
            self._tell("epoch", trial, **result)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker died; it starts again as soon as there is room."""
        for lane in list_lanes(trial):
            self._find_tally(lane).running.pop(lane.trial_id, None)

    def mark_ended(self, trial: Any, status: str) -> None:
        """A trial got its outcome."""
        self._leave(trial)
        tally, last = self._find_tally(trial), trial.last_result
        tally.end(trial.config["trial"]["trial_id"], status, last.get(TIME_ATTR, 0), last.get(METRIC))
        self._tell("ended", trial, status=status)
        self._plan_line()

    def mark_waiting(self, trial: Any) -> None:
        """A trial has reached its rung, and runs no longer."""
        self._leave(trial)
        self._find_tally(trial).waiting.add(trial.config["trial"]["trial_id"])

    def _leave(self, trial: Any) -> None:
        self._find_tally(trial).running.pop(trial.trial_id, None)
        if isinstance(trial, Lane):
            self._over.add(trial.key)

    def mark_stopped(self, folder: TrialFolder) -> None:
        """A trial that waited at its rung got its outcome."""
        name, trial_id, last = folder.spec.architecture, folder.spec.trial_id, report(folder, folder.epoch)
        self._tallies[name].end(trial_id, "stopped", folder.epoch, last[METRIC])
        self._send("ended", name, trial_id, last | {"status": "stopped"})
        self._plan_line()

    def _plan_line(self) -> None:
        """A line for each tenth of the trials, once others run in the place of those that ended."""
        done, total = self._count_done()
        if not (self._live or self._cell) and done * 10 // total > self._spoke[1] * 10 // total:
            self._due = min(self._due, time.monotonic() + SETTLE_SECONDS)

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
            self._on_event(Event(kind, self._title, name, trial_id, epoch, accuracy, status, *self._count_done()))
        except Exception as error:
            self.refusal = error

    def _find_tally(self, trial: Any) -> Tally:
        return self._tallies[trial.config["trial"]["architecture"]]

    def _count_done(self) -> tuple[int, int]:
        tallies = self._tallies.values()
        return sum(tally.done for tally in tallies), sum(tally.total for tally in tallies)

    def say_so_far(self, what: str) -> str:
        """A sentence that also says how much was trained since the start."""
        epochs = sum(tally.new_epochs for tally in self._tallies.values())
        return f"{what}, {format_count(epochs, 'epoch')} {'was' if epochs == 1 else 'were'} trained"

    def estimate_seconds_left(self) -> float | None:
        """Estimated seconds to go; None before the first epoch."""
        if (since := self._training_since) is None:
            return None
        now, stands = time.monotonic(), {name: tally.make_stand() for name, tally in self._tallies.items()}
        lengths = {name: estimate_lengths(stand, self._limits) for name, stand in stands.items()}
        running = [one for tally in self._tallies.values() for one in tally.running.values()]
        under_way = sum((now - max(since, one.since)) / one.lanes for one in running)
        trained = sum(tally.seconds for tally in self._tallies.values()) + under_way
        return estimate_seconds_left(stands, lengths, trained / (now - since) if now > since else 0.0, under_way)

    def _draw(self) -> Screen:
        return self._last or self._make_screen(self._format_timing())

    def _make_screen(self, timing: str) -> Screen:
        rows, takes_best = [], self._summary == "incumbent"
        # Those of other threads may count meanwhile; a copy of a dict is taken whole.
        for name, tally in self._tallies.items():
            stand = tally.make_stand()
            counts = {"running": len(tally.running), "waiting": len(tally.waiting), **tally.count_ends()}
            pace = stand.seconds / stand.epochs if stand.epochs else None
            best = tally.format_accuracy(takes_best) if tally.finished else "-"
            left, going = sum(estimate_lengths(stand, self._limits)), tally.list_going()
            course = tally.list_course(takes_best)
            rows.append(Row(name, tally.total, tally.done, counts, best, course, "", left, pace, going))
        done = sum(tally.make_stand().done for tally in self._tallies.values())
        return Screen(self._title, timing, done, sum(row.epochs_left or 0.0 for row in rows), rows, best=self._summary)

    def _say(self) -> None:
        done, total = self._count_done()
        self._spoke, self._due = (time.monotonic(), done), math.inf
        parts = [f"{done}/{total} ended"]
        for name, tally in self._tallies.items():
            told = f"{name} {tally.tell(self._summary, bool(self._ladder))}"
            # Table 1.6 has 43 networks, and people read the line: it names only what runs or has changed.
            if tally.running or (tally.done and told != self._told.get(name)):
                self._told[name] = told
                parts.append(told)
        self._print(f"{self._title} {self._format_timing()} | " + " | ".join(parts))

    def _print(self, line: str) -> None:
        if self._on_event is None:
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _format_timing(self) -> str:
        done, total = self._count_done()
        left = None if done == total else self.estimate_seconds_left()
        begins = ", workers are starting" * (self._live is not None and self._training_since is None and done < total)
        return format_timing(time.monotonic() - self._started, left) + begins
