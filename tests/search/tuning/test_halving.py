"""Halving as a driver works it: handed out, interrupted at any write, grown, and compared with the definition."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.search import Searcher

from search.storage import trial_folder, writer
from search.storage.run_folder import RunFolder
from search.tuning.jobs import Job, Outcomes
from search.tuning.packs.feed import Packs
from search.tuning.packs.lanes import AWAKE, LANES, REPORTS, list_lanes
from search.tuning.policy import Keeper
from search.tuning.progress import Progress
from search.tuning.scheduler import InOrder
from search.tuning.stopper import Interrupt
from search.tuning.sweep import list_trials, plan_sweep
from search.tuning.trainable import report
from spaces import SPACES, TrialSpec
from spaces.specs.run import RunSpec

SPEC = RunSpec(
    "digits",
    "0" * 16,
    16,
    0,
    0,
    ("conv", "invariant"),
    space=SPACES["table-1.2"].describe(),
    search="grid",
    scheduler="halving",
    grace_period=1,
    max_epochs=5,
    reduction_factor=2.0,  # Rungs at 1, 2 and 4.
    samples=9,
)


class Death(BaseException):
    """Of all processes at once, in the middle of a write."""


class World:
    """Stands in for Tune and its workers: trains made-up trials, in any order, until it dies or nothing is left.

    With several ``lanes`` it trains packs.
    """

    def __init__(self, path: Path, seed: int, monkeypatch: pytest.MonkeyPatch, lanes: int = 1):
        self.run, self.random = RunFolder(path), random.Random(seed)
        self.run.guard = writer.Writer(self.run.path)  # It looks for no driver.
        self.writes = float("inf")  # Until it dies.
        self.handed: list[tuple[str, int]] = []  # Trial ids, and how far each was to go.
        self.retrained = 0
        self.lanes = lanes
        self.packs: dict[tuple[str, int], list[str]] = {}  # Of which a trial was a lane, up to a rung.
        write = writer.write_json

        def write_or_die(file: Path, content: Any, **more: Any) -> None:
            self.writes -= 1
            if self.writes < 0:
                raise Death
            write(file, content, **more)

        monkeypatch.setattr(writer, "write_json", write_or_die)
        monkeypatch.setattr("spaces.files.atomic.os.fsync", lambda handle: None)

    @staticmethod
    def accuracy(trial: TrialSpec, epoch: int) -> float | None:
        """A function of the trial, as in a training; few values, so that many are equal. None where it diverges."""
        draw = random.Random(trial.trial_id)
        if draw.random() < 0.2 and epoch >= draw.randrange(1, 6):
            return None
        return random.Random(f"{trial.trial_id} {epoch}").randrange(6) / 6

    def drive(self, spec: RunSpec, slots: int) -> None:
        """One invocation."""
        phase = plan_sweep(self.run, spec)
        self.run.reopen(phase.recorded(), phase.epochs, False)
        feed = phase.feed(phase.recorded())
        if self.lanes > 1:
            feed = Packs(feed, self.lanes)
        progress = Progress("sweep", phase.trials, phase.limits, phase.recorded(), ladder=phase.ladder)
        job = Job(self.run, None, feed, InOrder(), progress)  # type: ignore[arg-type]
        interrupt = Interrupt()
        outcomes = Outcomes(job, interrupt, Keeper("none", list), Counter(), slots)
        live: list[Any] = []
        while True:
            config: Any = {}
            while len(live) < slots and config is not None and config != Searcher.FINISHED:
                name = f"tune-{len(self.handed)}"
                config = feed.suggest(name)
                if isinstance(config, dict):
                    live.append(SimpleNamespace(trial_id=name, config=config, last_result={}))
                    outcomes.on_trial_start(0, [], live[-1])
                    progress.on_trial_start(0, [], live[-1])
                    self.hand_out(config)
            if not live:
                break
            trial = self.random.choice(live)
            result = self.step(trial) if self.lanes == 1 else self.step_together(trial)
            progress.on_trial_result(0, [], trial, result)
            outcomes.on_trial_result(0, [], trial, result)
            trial.last_result = result
            if trial.last_result["done"]:
                live.remove(trial)
                feed.on_trial_complete(trial.trial_id, trial.last_result)
                outcomes.on_trial_complete(0, [], trial)
                assert interrupt.reason is None
        assert config == Searcher.FINISHED
        assert feed.finished
        assert phase.feed(phase.recorded()).finished
        tallies = progress._tallies.values()
        assert all(tally.done == tally.total and not tally.waiting and not tally.running for tally in tallies)

    def hand_out(self, config: dict[str, Any]) -> None:
        """Notes who is trained; a lane is always in the same pack, and at the same place there."""
        for lane in config.get(AWAKE, [config["trial"]["trial_id"]]):
            self.handed.append((lane, config["max_epochs"]))
            pack = [each["trial_id"] for each in config.get(LANES, [])]
            assert self.packs.setdefault(self.handed[-1], pack) == pack

    def step_together(self, pack: Any) -> dict[str, Any]:
        """A step of each lane that has not ended; one of them may be behind, as a kill leaves it."""
        reports = []
        for lane in list_lanes(pack):
            lane.last_result = pack.last_result.get("lanes", {}).get(lane.trial_id, {})
            if not lane.last_result.get("done") and (not reports or self.random.random() < 0.9):
                reports.append((lane.trial_id, self.step(lane)))
        lanes = pack.last_result.get("lanes", {}) | dict(reports)
        done = len(lanes) == len(pack.config[AWAKE]) and all(report["done"] for report in lanes.values())
        return {"done": done, REPORTS: reports, "lanes": lanes}

    def step(self, trial: Any) -> dict[str, Any]:
        """Reports where it was left, or trains an epoch."""
        folder = trial_folder.TrialFolder(self.run.path, TrialSpec.from_dict(trial.config["trial"]))
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.read()
        if folder.rows and not trial.last_result:
            return report(folder, trial.config["max_epochs"], again=True)
        epoch = folder.epoch + 1
        if epoch > 1 and not folder.checkpoint.exists():
            self.retrained += 1
        accuracy = self.accuracy(folder.spec, epoch)
        row = {"epoch": epoch, "val_accuracy": accuracy, "val_loss": 0.5, "seconds": 1.0, "time": 0.0}
        status = "diverged" if accuracy is None else "running"
        folder.commit(row, status, {}, lambda path, record: path.write_text("weights"))
        return report(folder, trial.config["max_epochs"])

    def drive_through(self, spec: RunSpec, deaths: int = 0) -> None:
        """To the end, through so many deaths, with another number of workers each time."""
        for _ in range(deaths):
            self.writes = self.random.randrange(40)
            try:
                self.drive(spec, self.random.randrange(1, 6))
            except Death:
                continue
        self.writes = float("inf")
        self.drive(spec, self.random.randrange(1, 6))

    def ends(self) -> dict[str, tuple[str | None, int]]:
        """How each trial ended, and after which epoch."""
        return {
            folder.spec.trial_id: (folder.read_outcome(), folder.epoch) for folder in self.run.list_recorded("sweep")
        }


def define(
    spec: RunSpec, before: Mapping[str, tuple[str | None, int]] | None = None, failed: str | None = None
) -> dict[str, tuple[str, int]]:
    """How each trial ends, by the definition; those of ``before`` were trained so far, and one failed at once."""
    ends = {failed: ("failed", 0)} if failed else {}
    for name in spec.architectures:
        left = [trial for trial in list_trials(spec) if trial.architecture == name]
        places, start = len(left), 0
        left = [trial for trial in left if trial.trial_id != failed]
        for rung in [*spec.list_rungs(), spec.max_epochs]:
            alive = []
            for trial in left:
                lost = [epoch for epoch in range(start + 1, rung + 1) if World.accuracy(trial, epoch) is None]
                if lost:
                    ends[trial.trial_id] = ("diverged", lost[0])
                else:
                    alive.append(trial)
            if rung == spec.max_epochs:
                ends |= {trial.trial_id: ("completed", rung) for trial in alive}
                break
            places = max(1, places // int(spec.reduction_factor))
            alive.sort(key=lambda trial, rung=rung: (-(World.accuracy(trial, rung) or 0.0), trial.config_id))
            beyond = {name for name, (_, epoch) in (before or {}).items() if epoch > rung}
            left = [trial for n, trial in enumerate(alive) if n < places or trial.trial_id in beyond]
            ends |= {trial.trial_id: ("stopped", rung) for trial in alive if trial not in left}
            start = rung
    return ends


@pytest.mark.parametrize("seed", range(5))
def test_however_often_all_dies_the_same_trials_are_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    world = World(tmp_path, seed, monkeypatch)
    world.drive_through(SPEC, deaths=seed)
    assert world.ends() == define(SPEC)
    assert {status for status, _ in world.ends().values()} == {"completed", "stopped", "diverged"}
    assert not world.retrained
    if not seed:  # Nobody was handed out twice for one rung.
        assert len(world.handed) == len(set(world.handed))
    assert not [*tmp_path.glob("trials/*/checkpoint-*")]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lanes", [2, 4, 16])
def test_packs_stop_the_same_trials_and_are_made_again_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lanes: int, seed: int
) -> None:
    world = World(tmp_path, seed, monkeypatch, lanes)
    world.drive_through(SPEC, deaths=2 * seed)
    assert world.ends() == define(SPEC)
    assert not world.retrained
    sizes = [len(pack) for pack in world.packs.values()]
    assert max(sizes) == min(lanes, 9)
    world.drive_through(replace(SPEC, samples=9, architectures=("conv", "invariant", "dct")), deaths=seed)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "grown",
    [
        {"samples": 16},
        {"architectures": ("conv", "invariant", "dct")},
        {"samples": 20, "architectures": ("conv", "invariant", "dct")},
    ],
)
def test_what_a_run_has_grown_by_is_decided_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, grown: dict[str, Any]
) -> None:
    world, larger = World(tmp_path, seed, monkeypatch), replace(SPEC, **grown)
    world.drive_through(SPEC, deaths=seed % 3)
    before = world.ends()
    world.drive_through(larger, deaths=seed % 3)
    assert world.ends() == define(larger, before)
    assert all(world.ends()[name][1] >= epoch for name, (_, epoch) in before.items())
    handed = len(world.handed)
    world.drive_through(larger)
    assert len(world.handed) == handed  # All was done.


def test_one_that_was_stopped_is_promoted_when_more_have_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, 0, monkeypatch)
    world.drive_through(SPEC)
    before = world.ends()
    world.drive_through(replace(SPEC, samples=16))
    raised = [name for name, (status, epoch) in before.items() if status == "stopped" and world.ends()[name][1] > epoch]
    assert raised
    assert world.retrained == len(raised)  # Its checkpoint was gone: a real worker trains its epochs again.


def test_a_run_made_longer_goes_on_from_its_last_rung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, longer = World(tmp_path, 3, monkeypatch), replace(SPEC, max_epochs=11)
    monkeypatch.setattr("search.tuning.policy.Keeper.keeps", lambda *_: True)
    world.drive_through(SPEC, deaths=2)
    before = world.ends()
    world.drive_through(longer, deaths=2)
    assert world.ends() == define(longer, before)
    assert ("completed", 11) in world.ends().values()


def test_the_lowest_rung_comes_first_and_the_others_fill_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, 1, monkeypatch)
    world.drive(replace(SPEC, grace_period=2, samples=64), 2)  # Rungs at 2 and 4.
    first, later = ([n for n, (_, epoch) in enumerate(world.handed) if (epoch > 2) == above] for above in (False, True))
    assert len(first) == 2 * 64
    assert min(later) > first[-4]  # Only when hardly one of the first rung is left.


def test_a_trial_whose_worker_never_began_is_taken_up_by_the_next_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, spec = World(tmp_path, 0, monkeypatch), replace(SPEC, samples=1, architectures=("conv",))
    phase = plan_sweep(world.run, spec)
    feed: Any = phase.feed([])
    assert feed.suggest("a")["trial"]["architecture"] == "conv"
    assert feed.suggest("b") is None  # It depends on the first.
    feed.on_trial_complete("a", error=True)
    assert feed.suggest("c") == Searcher.FINISHED
    assert not feed.finished
    world.drive(spec, 1)


def test_failures_count_as_the_last_until_they_are_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, 0, monkeypatch)
    first = list_trials(SPEC)[0]
    folder = trial_folder.TrialFolder(tmp_path, first)
    folder.fail("no memory today")  # And the driver was killed before it wrote that down.
    world.drive(SPEC, 2)
    assert world.ends() == define(SPEC, failed=first.trial_id)
    before = world.ends()
    world.run.reopen(world.run.list_recorded("sweep"), SPEC.max_epochs, retry_failed=True)
    world.drive(SPEC, 2)
    assert world.ends() == define(SPEC, before)
